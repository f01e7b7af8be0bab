import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/command/base-command.ts';
import { repeated } from '../../cli/command/flags.ts';
import { parsePruneFilter } from '../../cli/images/prune-terms.ts';
import { assertMayPrune, candidatesOf } from '../../cli/system/candidates.ts';
import {
  type Candidates,
  deleteEnded,
  lossLines,
  NOTHING,
  type Pruned,
  type PruneTerms,
} from '../../cli/system/prune.ts';
import { removeDeletedLogs } from '../../cli/system/prune-logs.ts';
import { systemPrunedListing, systemPrunedNames } from '../../cli/system/pruned-view.ts';
import { assertCanAsk, confirmLoss } from '../../cli/terminal/prompts.ts';
import type { CoreApi } from '../../core/api/core-api.ts';

export default class SystemPrune extends BaseCommand {
  static override summary = 'Remove ended sandboxes, and images that nothing uses.';
  static override description =
    `Deletes the ended sandboxes of the namespace with their files and logs, the logs that are kept of deleted ones, then images that have lost their name and what interrupted pulls have left; with --all also images with a name that nothing uses. What runs, and what a pool keeps warm, stays. Asks first; without a terminal --force is needed.

With --sandboxes only the ended sandboxes go, as with docker's container prune, which is another name of it; it takes no right but that to delete them. Logs that are kept of deleted sandboxes stay.

Files of the core that were damaged and set aside are evidence of what went wrong: they go only with --set-aside. No filter applies to them.`;
  static override examples = [
    { description: 'What nobody misses', command: '<%= config.bin %> system prune --force' },
    { description: 'Ended sandboxes alone', command: '<%= config.bin %> system prune --sandboxes --force' },
    {
      description: 'Everything that is a day old and not used',
      command: '<%= config.bin %> system prune --all -A --force --filter until=24h',
    },
  ];
  static override flags = {
    all: Flags.boolean({ char: 'a', default: false, summary: 'Also images with a name.' }),
    sandboxes: Flags.boolean({
      default: false,
      summary: 'Ended sandboxes and nothing else.',
      exclusive: ['all', 'set-aside'],
    }),
    'all-namespaces': Flags.boolean({ char: 'A', summary: 'Sandboxes of every namespace.' }),
    force: Flags.boolean({ char: 'f', summary: 'Do not ask.' }),
    yes: Flags.boolean({ char: 'y', summary: 'The same as --force.' }),
    filter: Flags.string({
      ...repeated,
      summary:
        'until=24h: only sandboxes that were created or deleted, and images that came, longer ago; label=K or label=K=V.',
      helpValue: 'KEY=VALUE',
    }),
    'set-aside': Flags.boolean({ default: false, summary: 'Also what was damaged and is set aside.' }),
  };

  override async run(): Promise<undefined> {
    const { flags } = await this.parse(SystemPrune);
    const sure = flags.force || flags.yes;
    const terms: PruneTerms = {
      filter: parsePruneFilter(flags.filter ?? [], this.world.clock.now()),
      namespace: flags['all-namespaces'] ? undefined : this.namespace,
      ...{ sandboxesOnly: flags.sandboxes, allImages: flags.all, setAside: flags['set-aside'] },
    };
    if (!sure) assertCanAsk(this.world.terminal, 'removing things', 'Give --force when you are sure.');
    const core = await this.core();
    const candidates = await candidatesOf(core, terms, { now: this.world.clock.now(), call: this.call });
    if (!terms.sandboxesOnly) await assertMayPrune(core, this.call);
    const goes = sure || (await this.#ask(core, candidates, terms));
    const pruned = goes ? await this.#prune(core, candidates, terms) : NOTHING;
    if (this.format === 'name' || (this.quiet && !this.forPrograms))
      await this.print(systemPrunedNames(pruned));
    else await this.print(systemPrunedListing(pruned));
  }

  /** @returns false when there is nothing to remove @throws cancelled */
  async #ask(core: CoreApi, candidates: Candidates, terms: PruneTerms): Promise<boolean> {
    const lines = await lossLines(core, candidates, terms, this.call);
    if (lines.length === 0) return false;
    const question = `Remove ${lines.length === 1 ? 'it' : 'them'}?`;
    const loss = { title: 'This removes', lines, question, outcome: 'nothing was removed' };
    await confirmLoss(this.asking, loss);
    return true;
  }

  /** Each step tells its failure, and is none for the next. */
  async #prune(core: CoreApi, { ended, logs }: Candidates, terms: PruneTerms): Promise<Pruned> {
    const { allImages, filter, sandboxesOnly } = terms;
    const deleted = await this.forAll(ended, async (each) => ({
      each,
      gone: await deleteEnded(core, each, this.call),
    }));
    const sandboxes = deleted.flatMap(({ each, gone }) => (gone ? [each] : []));
    if (sandboxesOnly) return { ...NOTHING, sandboxes };
    const pruned = sandboxes.map(({ sandbox }) => sandbox.id);
    const [removed = []] = await this.forAll([logs], (these) =>
      removeDeletedLogs(core, these, pruned, this.call),
    );
    const [images = NOTHING.images] = await this.forAll([{ all: allImages, ...filter }], (request) =>
      core.images.prune(request, this.call),
    );
    const [setAside = []] = await this.forAll(terms.setAside ? [core.system] : [], (system) =>
      system.removeSetAside(this.call),
    );
    return { sandboxes, logs: removed, images, setAside };
  }
}
