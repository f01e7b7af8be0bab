import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/command/base-command.ts';
import { poolStatusListing } from '../../cli/output/listings/pool-status-view.ts';
import { PoolChanges } from '../../cli/pool/pool-changes.ts';
import { overCores } from '../../cli/stats/over-cores.ts';
import { pause } from '../../cli/stats/pause.ts';
import type { CoreApi } from '../../core/api/core-api.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { PoolShapeStatus } from '../../core/model/pool/pool.ts';

const CLEAR_SCREEN = '\u001b[H\u001b[2J';
/** Milliseconds. A busy pool changes a thousand times a second; nobody reads that fast, and each look costs the core. */
const LEAST_INTERVAL = 100;
/** Milliseconds before the next core is looked for. */
const GONE = 500;

export default class PoolStatus extends BaseCommand {
  static override summary = 'Show how the warm pools do.';
  static override description =
    `A row for each shape: how many instances are idle, claimed and booting, how many claims wait for one, how many found one ready (HITS) or had to boot (MISSES), and how long claims took at the median and the 99th percentile. BREAKER says why boots are refused, while they are. A shape is all that an instance is booted with: BOOTED WITH says by what those of one image differ. -o wide has its short name, too, and shapes of which nothing is left. Starts no core: when none runs it says so, exit code 0.`;
  static override examples = [
    { description: 'For reading', command: '<%= config.bin %> pool status' },
    { description: 'Live, until ctrl-C', command: '<%= config.bin %> pool status --watch' },
    { description: 'For scripts', command: '<%= config.bin %> pool status -o json' },
  ];
  static override args = {
    name: Args.string({ ignoreStdin: true, description: 'Only this pool. Default: all.' }),
  };
  static override flags = {
    watch: Flags.boolean({
      char: 'w',
      summary: 'Show it anew whenever something happens; with -o json one array a line.',
    }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(PoolStatus);
    const rows = await this.ifRunning((core) => core.pools.status(args.name, this.call));
    if (rows !== undefined && flags.watch) return this.#watch(await this.core(false), args.name);
    if (rows !== undefined || this.forPrograms) await this.print(poolStatusListing(rows ?? []));
  }

  async #watch(core: CoreApi, name: string | undefined): Promise<never> {
    const { signal } = this.interruption;
    const { clock } = this.world;
    const say = (text: string): Promise<void> => this.say(text);
    for (;;) {
      await this.#watchOne(core, name).catch((error) => {
        if (signal.aborted || FsbError.from(error).code !== 'unavailable') throw error;
      });
      // A core that is going away answers a little longer than it tells of changes.
      await pause(GONE, clock, signal);
      await overCores(() => core.pools.status(name, this.call), { clock, signal, say });
    }
  }

  /** As long as the core is there. @throws unavailable when it has gone */
  async #watchOne(core: CoreApi, name: string | undefined): Promise<never> {
    const { signal } = this.interruption;
    await using changes = new PoolChanges(core, signal);
    const { stdout } = this.world.terminal;
    const onResize = (): void => changes.tell();
    // A program's document has no width.
    if (this.redraws) stdout.on('resize', onResize);
    try {
      for (;;) {
        await this.#redraw(await core.pools.status(name, this.call));
        await pause(LEAST_INTERVAL, this.world.clock, signal);
        await changes.next();
      }
    } finally {
      stdout.off('resize', onResize);
    }
  }

  async #redraw(rows: PoolShapeStatus[]): Promise<void> {
    const listing = poolStatusListing(rows);
    if (this.format === 'json' || this.format === 'yaml') return this.printEach(listing.items, '');
    if (this.redraws) await this.out(CLEAR_SCREEN);
    await this.print(listing);
  }
}
