import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/command/base-command.ts';
import { imageArg } from '../../cli/command/flags.ts';
import { historyListing } from '../../cli/output/listings/image-history-view.ts';

export default class ImageHistory extends BaseCommand {
  static override summary = 'Show the steps that built an image.';
  static override description =
    'As far as the image says: newest first, each with the layer that it made and what that takes unpacked. Where the newest step has no time, it is that of the image, or when it was imported. -q prints the digests of the layers.';
  static override examples = [
    { description: 'For reading', command: '<%= config.bin %> image history alpine' },
    { description: 'Everything, for scripts', command: '<%= config.bin %> image history alpine -o json' },
  ];
  static override args = {
    reference: imageArg,
  };
  static override flags = {
    human: Flags.boolean({
      char: 'H',
      allowNo: true,
      default: true,
      summary: 'Ages and sizes as people read them; --no-human: RFC3339 and bytes.',
    }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(ImageHistory);
    const core = await this.core();
    const image = await core.images.inspect(args.reference, this.call);
    const terms = { now: this.world.clock.now(), full: this.untruncated, human: flags.human };
    await this.print(historyListing(image, terms, this.quiet));
  }
}
