import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { repeated } from '../../cli/flags.ts';
import { parseFilters, parseLabels } from '../../cli/images/filters.ts';
import { parseMoment } from '../../cli/logs/time-query.ts';
import { namesOf, prunedListing, removedNames } from '../../cli/output/image-view.ts';
import { confirmLoss } from '../../cli/prompts.ts';
import { isInteractive } from '../../cli/world.ts';
import type { CoreApi } from '../../core/api/core-api.ts';
import { shortDigest } from '../../core/model/digest.ts';
import { FsbError } from '../../core/model/errors.ts';
import type { PruneResult } from '../../core/model/image.ts';
import type { PruneRequest } from '../../core/model/image-requests.ts';
import { formatSize } from '../../core/model/quantity.ts';

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
    filter: Flags.string({
      ...repeated,
      summary: 'until=24h: only those that came longer ago; label=K or label=K=V.',
      helpValue: 'KEY=VALUE',
    }),
  };

  override async run(): Promise<undefined> {
    const { flags } = await this.parse(ImagePrune);
    const request = this.#request(flags.all, flags.filter ?? []);
    if (!flags.force && !isInteractive(this.world.terminal))
      throw new FsbError('invalid_argument', 'cannot ask before removing images: there is no terminal', {
        hint: 'Give --force when you are sure.',
      });
    const core = await this.core();
    const asked = flags.force || (await this.#ask(core, request));
    const pruned = asked ? await core.images.prune(request, this.call) : NOTHING;
    if (this.format === 'name' || (this.quiet && !this.forPrograms)) await this.print(removedNames(pruned));
    else await this.print(prunedListing(pruned));
  }

  #request(all: boolean, words: string[]): PruneRequest {
    const { until, label } = parseFilters(words, ['until', 'label']);
    const now = this.world.clock.now();
    const ages = until.map((text) => Math.max(0, now - parseMoment(text, now, 'filter until')));
    return {
      all,
      ...(ages.length > 0 && { olderThan: Math.max(...ages) }),
      ...(label.length > 0 && { labels: parseLabels(label) }),
    };
  }

  /** @returns false when there is nothing to remove @throws cancelled */
  async #ask(core: CoreApi, request: PruneRequest): Promise<boolean> {
    const { removed, freed } = await core.images.prune({ ...request, dryRun: true }, this.call);
    const leftovers = removed.reduce((rest, image) => rest - image.freed, freed);
    const lines = removed.map(
      ({ image }) => `${namesOf(image)} (${shortDigest(image.digest)}, ${formatSize(image.uniqueSize)})`,
    );
    if (leftovers > 0) lines.push(`what interrupted pulls have left (${formatSize(leftovers)})`);
    if (lines.length === 0) return false;
    const question = `Remove ${lines.length === 1 ? 'it' : 'them'}?`;
    const loss = { title: 'This removes', lines, question, outcome: 'nothing was removed' };
    await confirmLoss(this.world.terminal, loss, this.interruption.signal);
    return true;
  }
}
