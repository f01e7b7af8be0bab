import { setMaxListeners } from 'node:events';
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { CoreApi } from '../../src/core/api/core-api.ts';
import { connectCore } from '../../src/core/client/connect-core.ts';
import { corePaths } from '../../src/core/model/paths.ts';
import { type CoreProcess, startCoreProcess } from '../helpers/core/core-process.ts';
import { leftovers } from '../helpers/core/leftovers.ts';
import { makeRoot } from '../helpers/core/real-core.ts';
import { seeded } from '../helpers/core/storm/seeded.ts';
import { type Baseline, baselineAtRest, differences } from './baseline.ts';
import { Client } from './client.ts';
import { CommandClient } from './command-client.ts';
import { fillEventLog } from './event-log.ts';
import { killSomeGuest } from './guest-killer.ts';
import { Ledger } from './ledger.ts';

/** How many clients there are in all, and how many of them are processes of the command line. */
const CLIENTS = 16;
const COMMANDS = 4;
/** Milliseconds until a core is killed, about. */
const LONGEST_LIFE = 6_000;
/** Minutes: a day. */
const LONGEST = 24 * 60;
/** Idle ones beyond the warm two go quickly, so that a core comes to rest. */
const POOL = { ttl: '1s', capacity: { max: 40 } };

export interface SoakOptions {
  seed: number;
  /** Of churn; coming to rest takes a little more. Left out: until there were so many cycles. */
  minutes?: number;
  /** It ends after so many, or after so many minutes, whichever comes first. */
  cycles?: number;
  /** Milliseconds that a client rests between two cycles, about; 0: at full speed. */
  pause?: number;
  say: (line: string) => void;
}

export interface SoakResult {
  /** What was not as it should be; empty: nothing lost, nothing leaked. */
  problems: string[];
  counts: Record<string, number>;
  before: Baseline;
  after: Baseline;
}

/**
 * Clients at work, of which some are killed, as are guests and the core. First a core that is left to warm up, then cores
 * that are killed, then one that lives: it must come to rest as the first did.
 */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const root = await makeRoot();
  const run = new Soak(root, options);
  try {
    return await run.run();
  } finally {
    await run.end();
    await rm(root, { recursive: true, force: true });
  }
}

/** That of one core, as its clients have it. */
interface Life {
  over: AbortSignal;
  end(): void;
  /** Whatever fails from now on fails because of that. */
  killed: boolean;
}

class Soak {
  readonly #root: string;
  readonly #options: SoakOptions;
  readonly #random: (below: number) => number;
  readonly #ledger = new Ledger();
  #core: CoreProcess | undefined;

  constructor(root: string, options: SoakOptions) {
    this.#root = root;
    this.#options = options;
    this.#random = seeded(options.seed);
  }

  async run(): Promise<SoakResult> {
    const { minutes = LONGEST, cycles = Number.POSITIVE_INFINITY, say } = this.#options;
    const whole = Math.min(minutes, LONGEST) * 60_000;
    await this.#start();
    // The first core on a root prepares it; those that come after have less at rest.
    await this.#core!.stop();
    await this.#start();
    await this.#churn(whole / 8, cycles / 8);
    const before = await this.#rest();
    const killing = performance.now() + whole / 2;
    for (let left = whole; left > 0; left = killing - performance.now()) {
      await this.#churn(Math.min(left, 1_000 + this.#random(LONGEST_LIFE)), (cycles * 5) / 8, 'kill');
      await this.#start();
      await this.#check();
      say(this.#progress());
      if (this.#ledger.problems.length > 0 || this.#ledger.cycles >= (cycles * 5) / 8) break;
    }
    await this.#churn((whole * 3) / 8, cycles);
    const after = await this.#rest();
    const core = this.#core!;
    this.#core = undefined;
    const { problems, counts } = this.#ledger;
    problems.push(...differences(before, after));
    problems.push(...(await leftovers(core, this.#root)).map((left) => `left behind: ${left}`));
    return { problems, counts: Object.fromEntries(counts), before, after };
  }

  /** Where it was cut short, nothing may run on. */
  async end(): Promise<void> {
    if (!this.#core) return;
    await this.#ledger.deleteAll(this.#core.api).catch(() => {});
    await this.#core.stop();
  }

  async #start(): Promise<void> {
    this.#core = await startCoreProcess(this.#root, { pool: POOL });
  }

  async #check(): Promise<void> {
    await using api = this.#connect();
    await this.#ledger.check(api);
    // What stays is checked again after the next kill.
    if (this.#random(2) === 0 || this.#ledger.sandboxes.size > 20) await this.#ledger.deleteAll(api);
  }

  async #rest(): Promise<Baseline> {
    this.#options.say(`${this.#progress()}; coming to rest`);
    await this.#deleteAll();
    return baselineAtRest(this.#core!, this.#root);
  }

  async #deleteAll(): Promise<void> {
    await using api = this.#connect();
    await this.#ledger.deleteAll(api);
    await fillEventLog(api);
  }

  /** The connections of clients go with them: none of them counts at rest. */
  #connect(): CoreApi {
    const { grpcSocket, httpSocket } = corePaths({ FSB_ROOT: this.#root }, 0);
    return connectCore({ grpc: `unix://${grpcSocket}`, http: `unix://${httpSocket}` });
  }

  /** All clients at once for so many milliseconds, or until there were so many cycles in all; `kill` ends the core under them. */
  async #churn(ms: number, cycles: number, kill?: 'kill'): Promise<void> {
    const core = this.#core!;
    await using api = this.#connect();
    const over = new AbortController();
    setMaxListeners(CLIENTS, over.signal);
    const life: Life = { over: over.signal, end: () => over.abort(), killed: false };
    if (this.#ledger.problems.length > 0) over.abort();
    const clients = Array.from({ length: CLIENTS }, (_, n) =>
      n < COMMANDS
        ? new CommandClient(this.#root, this.#ledger, this.#random)
        : new Client(api, this.#ledger, this.#random),
    ).map((client) =>
      this.#repeat(life, async () => {
        await client.cycle();
        if (this.#ledger.cycles >= cycles) over.abort();
        await this.#pause(life.over);
      }),
    );
    const killing = this.#repeat(life, async () => {
      await delay(100 + this.#random(900));
      await killSomeGuest(api, this.#ledger, this.#random);
    });
    await delay(ms, undefined, { signal: over.signal }).catch(() => {});
    over.abort();
    if (kill) {
      life.killed = true;
      await core.kill();
      this.#ledger.count('cores killed');
    }
    await Promise.all([...clients, killing]);
  }

  /** Ends early when their time is over. */
  async #pause(signal: AbortSignal): Promise<void> {
    const { pause = 0 } = this.#options;
    if (pause > 0) await delay(this.#random(2 * pause), undefined, { signal }).catch(() => {});
  }

  async #repeat(life: Life, act: () => Promise<void>): Promise<void> {
    while (!life.over.aborted && this.#ledger.problems.length === 0) {
      try {
        await act();
      } catch (error) {
        if (life.killed) continue;
        this.#ledger.problems.push(`${error}`);
        life.end();
      }
    }
  }

  #progress(): string {
    return [...this.#ledger.counts].map(([name, count]) => `${count} ${name}`).join(', ');
  }
}
