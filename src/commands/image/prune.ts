import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { repeated } from '../../cli/flags.ts';
import { isDangling, parseFilters, parseLabels, withLabels } from '../../cli/images/filters.ts';
import { parseMoment } from '../../cli/logs/time-query.ts';
import { namesOf, prunedListing, shortDigest } from '../../cli/output/image-view.ts';
import { cancelled, confirm } from '../../cli/prompts.ts';
import { isInteractive } from '../../cli/world.ts';
import type { CoreApi } from '../../core/api/core-api.ts';
import { FsbError } from '../../core/model/errors.ts';
import type { PruneRequest } from '../../core/model/image-requests.ts';
import { formatSize } from '../../core/model/quantity.ts';
import { HOST_IMAGE } from '../../core/model/reference.ts';

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
    if (!flags.force) await this.#ask(core, request);
    await this.print(prunedListing(await core.images.prune(request, this.call)));
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

  async #ask(core: CoreApi, { all, olderThan = 0, labels = {} }: PruneRequest): Promise<void> {
    const now = this.world.clock.now();
    const unused = (await core.images.list(this.call))
      .filter((image) => (all || isDangling(image)) && !image.references.includes(HOST_IMAGE))
      .filter(({ usedBy, importedAt }) => usedBy.length === 0 && now - importedAt >= olderThan);
    const images = await withLabels(core, unused, labels, this.call);
    const lines = images.map(
      (image) => `  ${namesOf(image)} (${shortDigest(image.digest)}, ${formatSize(image.uniqueSize)})`,
    );
    await this.say(['This removes what interrupted pulls have left, and', ...lines].join('\n'));
    const question = `Remove ${images.length === 1 ? 'it' : 'them'}?`;
    if (!(await confirm(this.world.terminal, question, false, this.interruption.signal)))
      throw cancelled(undefined, 'nothing was removed');
  }
}
