import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/command/base-command.ts';
import { repeated } from '../../cli/command/flags.ts';
import { imageLossLines, parsePruneFilter } from '../../cli/images/prune-terms.ts';
import { prunedListing, removedNames } from '../../cli/output/listings/image-view.ts';
import { assertCanAsk, confirmLoss } from '../../cli/terminal/prompts.ts';
import type { CoreApi } from '../../core/api/core-api.ts';
import type { PruneResult } from '../../core/model/image/image.ts';
import type { PruneRequest } from '../../core/model/image/image-requests.ts';

const NOTHING: PruneResult = { removed: [], freed: 0 };

export default class ImagePrune extends BaseCommand {
  static override summary = 'Remove images that nothing uses.';
  static override description =
    'Those that have lost their name, and what interrupted pulls have left; with --all also those with a name. Images that a sandbox uses or a pool keeps warm stay. Asks first; without a terminal --force is needed.';
  static override examples = [
    { description: 'What has no name', command: '<%= config.bin %> image prune --force' },
    {
      description: 'Everything that came more than a day ago and is not used',
      command: '<%= config.bin %> image prune --all --force --filter until=24h',
    },
  ];
  static override flags = {
    all: Flags.boolean({ char: 'a', default: false, summary: 'Also images with a name.' }),
    force: Flags.boolean({ char: 'f', summary: 'Do not ask.' }),
    yes: Flags.boolean({ char: 'y', summary: 'The same as --force.' }),
    filter: Flags.string({
      ...repeated,
      summary: 'until=24h: only those that came longer ago; label=K or label=K=V.',
      helpValue: 'KEY=VALUE',
    }),
  };

  override async run(): Promise<undefined> {
    const { flags } = await this.parse(ImagePrune);
    const filter = parsePruneFilter(flags.filter ?? [], this.world.clock.now());
    const request = { all: flags.all, ...filter };
    const sure = flags.force || flags.yes;
    if (!sure) assertCanAsk(this.world.terminal, 'removing images', 'Give --force when you are sure.');
    const core = await this.core();
    const goes = sure || (await this.#ask(core, request));
    const pruned = goes ? await core.images.prune(request, this.call) : NOTHING;
    if (this.format === 'name' || (this.quiet && !this.forPrograms)) await this.print(removedNames(pruned));
    else await this.print(prunedListing(pruned));
  }

  /** @returns false when there is nothing to remove @throws cancelled */
  async #ask(core: CoreApi, request: PruneRequest): Promise<boolean> {
    const lines = imageLossLines(await core.images.prune({ ...request, dryRun: true }, this.call));
    if (lines.length === 0) return false;
    const question = `Remove ${lines.length === 1 ? 'it' : 'them'}?`;
    const loss = { title: 'This removes', lines, question, outcome: 'nothing was removed' };
    await confirmLoss(this.asking, loss);
    return true;
  }
}
