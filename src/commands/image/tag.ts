import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/command/base-command.ts';
import { imageArg } from '../../cli/command/flags.ts';

export default class ImageTag extends BaseCommand {
  static override summary = 'Give an image one more name.';
  static override description =
    'Another image that had the name loses it. Nothing is copied, and it prints nothing. With "image remove" a name goes again, and with the last one the image.';
  static override examples = [
    { description: 'Under a name of your own', command: '<%= config.bin %> image tag alpine tools:1' },
    {
      description: 'Under the name of a registry of your own',
      command: '<%= config.bin %> image tag alpine localhost:5000/mine:2',
    },
  ];
  static override args = {
    source: imageArg,
    target: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'New name, like tools:1 or registry.example.com/team/tool:1.',
    }),
  };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(ImageTag);
    const core = await this.core();
    await core.images.tag(args.source, args.target, this.call);
  }
}
