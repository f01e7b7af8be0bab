import { resolve } from 'node:path';
import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { imageListing } from '../../cli/output/core-view.ts';

export default class ImageImport extends BaseCommand {
  static override summary = 'Import an image from a file.';
  static override description =
    'Takes an OCI layout directory, an OCI archive or the tar of "docker save", on the machine of the core. Layers are unpacked once.';
  static override examples = [
    {
      description: 'What docker saved, under its own name',
      command: '<%= config.bin %> image import alpine.tar',
    },
    {
      description: 'An OCI layout, under a name of your choice',
      command: '<%= config.bin %> image import ./layout tools:1',
    },
  ];
  static override args = {
    file: Args.string({ required: true, ignoreStdin: true, description: 'Directory or archive.' }),
    name: Args.string({
      ignoreStdin: true,
      description: 'Name for the image, instead of the one inside the file.',
    }),
  };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(ImageImport);
    const core = await this.core();
    const request = { source: { path: resolve(this.world.cwd, args.file) }, name: args.name };
    const images = await core.images.import(request, this.call);
    await this.print(imageListing(images, this.world.clock.now(), false));
  }
}
