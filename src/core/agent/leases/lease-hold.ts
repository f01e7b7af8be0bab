import type { ExecRequest } from '../../api/sandbox-api.ts';
import type { Lease } from '../../model/pool/pool.ts';
import { type ProcessSession, SIGKILL } from '../../model/process.ts';
import type { ReleaseOptions } from '../../pool/pool.ts';
import type { LeaseRecord } from '../ledger/records.ts';
import type { HeldInstance } from '../pools/held-instance.ts';
import { Execs } from '../processes/execs.ts';
import { MemoryKills } from '../processes/memory-kills.ts';

/** Milliseconds for the guest to say that nothing runs any more. */
const KILL_ANSWER = 5_000;

export interface LeaseHoldParts {
  record: LeaseRecord;
  pool: string;
  held: Pick<HeldInstance, 'instance' | 'fresh' | 'giveBack'>;
  /** The number of commands that run in it has changed. */
  changed: (hold: LeaseHold) => void;
}

/** One lease while it has its instance. */
export class LeaseHold {
  readonly record: LeaseRecord;
  readonly execs: Execs;
  readonly #pool: string;
  readonly #held: LeaseHoldParts['held'];
  #released: Promise<void> | undefined;

  constructor({ record, pool, held, changed }: LeaseHoldParts) {
    this.record = record;
    this.#pool = pool;
    this.#held = held;
    this.execs = new Execs({
      channel: held.instance.channel,
      surroundings: record.surroundings,
      changed: () => changed(this),
      over: () => this.releasing,
      kills: new MemoryKills(held.instance, held.fresh),
    });
  }

  get releasing(): boolean {
    return this.#released !== undefined;
  }

  view(): Lease {
    const { surroundings: _, ...record } = this.record;
    const { instance } = this.#held;
    return { ...record, pool: this.#pool, instance: instance.id, running: this.execs.running };
  }

  exec(request: ExecRequest, signal?: AbortSignal): Promise<ProcessSession> {
    return this.execs.start(request, signal);
  }

  /** Resolves when nothing runs in it any more, and the ends of its commands are known. */
  async kill(): Promise<void> {
    const { channel } = this.#held.instance;
    channel.signalAll(SIGKILL);
    await channel.ping(KILL_ANSWER);
    // The ends come after that answer, and before the next one.
    await channel.ping(KILL_ANSWER);
  }

  /** Ends what runs in it; resolves when the instance is destroyed or idle again. Idempotent. */
  release(options: ReleaseOptions = {}): Promise<void> {
    this.#released ??= this.#held.giveBack(options);
    return this.#released;
  }

  /** Leaves it to the next core. */
  async detach(): Promise<void> {
    await this.#held.instance.detach();
  }
}
