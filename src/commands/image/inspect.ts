import { imagesArg } from '../../cli/command/flags.ts';
import { InspectCommand } from '../../cli/command/inspect-command.ts';
import { imageDetails } from '../../cli/output/listings/image-details-view.ts';

export default class ImageInspect extends InspectCommand {
  static override summary = 'Show everything about images.';
  static override description =
    'A list in JSON, as docker has it, with its names (RepoTags, Config, RootFS) beside our own; -o table is for reading. Sizes are bytes, times RFC3339; what the image does not say is null or empty. Shows those that are here and reports the others; exits by the worst failure.';
  static override examples = [
    { description: 'For scripts', command: '<%= config.bin %> image inspect alpine' },
    { description: 'For reading', command: '<%= config.bin %> image inspect alpine -o table' },
  ];
  static override args = {
    reference: imagesArg,
  };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(ImageInspect);
    const core = await this.core();
    const found = await this.forAll([...new Set(args.reference)], (reference) =>
      core.images.inspect(reference, this.call),
    );
    if (found.length > 0 || this.forPrograms) await this.print(imageDetails(found, this.world.clock.now()));
  }
}
