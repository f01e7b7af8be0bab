import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { imageListing } from '../../cli/output/core-view.ts';

export default class ImageList extends BaseCommand {
  static override summary = 'List the images that are here.';
  static override description = "host is built in: the machine's own tools, read-only. -q prints digests.";
  static override aliases = ['image:ls', 'images'];
  static override examples = [
    { description: 'For reading', command: '<%= config.bin %> image list' },
    { description: 'For scripts', command: '<%= config.bin %> image list -o json' },
  ];
  static override flags = { 'no-trunc': Flags.boolean({ summary: 'Whole digests.' }) };

  override async run(): Promise<undefined> {
    const { flags } = await this.parse(ImageList);
    const core = await this.core();
    const images = await core.images.list(this.call);
    await this.print(imageListing(images, this.world.clock.now(), flags['no-trunc']));
  }
}
