import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/command/base-command.ts';
import { type StatsView, statsListing } from '../cli/output/listings/stats-view.ts';
import { overCores } from '../cli/stats/over-cores.ts';
import { pause } from '../cli/stats/pause.ts';
import { Sampler } from '../cli/stats/sampler.ts';
import type { CoreApi } from '../core/api/core-api.ts';
import { FsbError } from '../core/model/failure/errors.ts';

const HOME = '\u001b[H';
const CLEAR_SCREEN = '\u001b[2J';
const CLEAR_TO_END_OF_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
/** Milliseconds between two looks. */
const INTERVAL = 1_000;

export default class Stats extends BaseCommand {
  static override summary = 'Show what running sandboxes use, as it changes.';
  static override description =
    `A row for each: processor time in percent of one core, memory and its limit, processes and threads. Anew every second, on a terminal in place, until ctrl-C; once with --no-stream, which takes a second to measure. Without names all that run, and those that come; one that was named stays, with --, when it has ended, and goes when it is deleted. With -o json one object a line for each sandbox.`;
  static override usage = 'stats [FLAGS] [NAME...]';
  static override examples = [
    { description: 'All that run, until ctrl-C', command: '<%= config.bin %> stats' },
    { description: 'Once, for a script', command: '<%= config.bin %> stats --no-stream -o json box' },
  ];
  static override args = {
    name: Args.string({
      multiple: true,
      ignoreStdin: true,
      description: 'Only these. Default: all that run.',
    }),
  };
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'Also sandboxes that have ended.' }),
    'all-namespaces': Flags.boolean({ char: 'A', summary: 'Of every namespace.' }),
    'no-stream': Flags.boolean({ summary: 'Show it once.' }),
  };

  /** A table that is drawn over the one before. */
  #inPlace = false;
  #namespaces = false;

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(Stats);
    const named = args.name ?? [];
    if (named.length > 0 && flags['all-namespaces'])
      throw new FsbError('invalid_argument', 'names belong to one namespace: give no --all-namespaces', {
        hint: 'Say which one with --namespace.',
      });
    const core = await this.core();
    const names = await this.#known(core, named);
    if (names.length === 0 && named.length > 0) return;
    this.#namespaces = flags['all-namespaces'] === true;
    const namespace = this.#namespaces ? undefined : this.namespace;
    const sampler = new Sampler(core, { namespace, names, all: flags.all === true });
    const first = await sampler.next(this.call);
    this.#inPlace = this.redraws && !flags['no-stream'];
    if (this.#inPlace) await this.#show(first, CLEAR_SCREEN);
    const { clock } = this.world;
    const { signal } = this.interruption;
    const waiting = { clock, signal, say: (text: string) => this.say(text) };
    for (;;) {
      await pause(INTERVAL, clock, signal);
      const rows = await overCores(() => sampler.next(this.call), waiting);
      await this.#show(rows, '');
      if (flags['no-stream'] || (names.length > 0 && rows.length === 0)) return;
    }
  }

  /**
   * Those that are there, by their own names: they may have been named by their ids. A name that nobody has is a mistake
   * now, and reported; one that goes later is not.
   */
  async #known(core: CoreApi, words: string[]): Promise<string[]> {
    const refs = words.map((word) => this.ref(word));
    const names = await this.forAll(refs, async (ref) => (await core.sandboxes.get(ref, this.call)).name);
    return [...new Set(names)];
  }

  async #show(rows: StatsView[], before: string): Promise<void> {
    if (this.format === 'json' || this.format === 'yaml') {
      for (const row of rows) await this.printEach(row, '');
      return;
    }
    const listing = statsListing(rows, { full: this.untruncated, namespaces: this.#namespaces });
    if (!this.#inPlace) return this.print(listing);
    const text = await this.rendered(listing);
    // Over the old lines, not on an emptied screen: that would flicker.
    await this.out(`${before}${HOME}${text.replaceAll('\n', `${CLEAR_TO_END_OF_LINE}\n`)}${CLEAR_BELOW}`);
  }
}
