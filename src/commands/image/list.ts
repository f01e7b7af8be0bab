import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/command/base-command.ts';
import { repeated } from '../../cli/command/flags.ts';
import { imageListing } from '../../cli/output/listings/image-listing.ts';
import { parseFilters, parseLabels } from '../../cli/select/filters.ts';
import {
  builtBetween,
  isDangling,
  matchesReference,
  parseDangling,
  withLabels,
} from '../../cli/select/image-filters.ts';

export default class ImageList extends BaseCommand {
  static override summary = 'List the images that are here.';
  static override description =
    "host is built in: the machine's own tools, read-only. SIZE is what an image takes on the disk, UNIQUE what of it no other image has. An image is in a row, and with -o name on a line, by each of its names; once with -q, which prints digests, and in JSON and YAML.";
  static override examples = [
    { description: 'For reading', command: '<%= config.bin %> image list' },
    { description: 'For scripts', command: '<%= config.bin %> image list -o json' },
    { description: 'Every tag of one', command: '<%= config.bin %> image list alpine' },
    {
      description: 'Those that have lost their name',
      command: '<%= config.bin %> image list --filter dangling=true -q',
    },
  ];
  static override args = {
    repository: Args.string({
      ignoreStdin: true,
      description: 'Only this image; without a tag, all of its tags. May have * and ?.',
    }),
  };
  static override flags = {
    filter: Flags.string({
      ...repeated,
      char: 'f',
      summary:
        'dangling=true, reference=PATTERN, label=K or label=K=V; before=IMAGE and since=IMAGE: built before or after it.',
      helpValue: 'KEY=VALUE',
    }),
    all: Flags.boolean({ char: 'a', summary: 'As docker has it; all are shown anyway.' }),
    digests: Flags.boolean({ summary: 'Also what their registries call them.' }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(ImageList);
    const filters = parseFilters(flags.filter ?? [], ['dangling', 'reference', 'label', 'before', 'since']);
    const dangling = parseDangling(filters.dangling);
    const anyOf = [args.repository === undefined ? [] : [args.repository], filters.reference].filter(
      ({ length }) => length > 0,
    );
    const isAsked = (reference: string): boolean =>
      anyOf.every((patterns) => patterns.some((each) => matchesReference(reference, each)));
    const core = await this.core();
    const named = (await core.images.list(this.call))
      .filter((image) => dangling === undefined || isDangling(image) === dangling)
      .filter(({ references }) => anyOf.length === 0 || references.some(isAsked));
    const labelled = await withLabels(core, named, parseLabels(filters.label), this.call);
    const images = await builtBetween(core, labelled, filters, this.call);
    const shown = { full: this.untruncated, digests: flags.digests, isAsked };
    await this.print(imageListing(images, this.world.clock.now(), shown));
  }
}
