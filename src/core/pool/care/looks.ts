import { withDeadline } from '../../instance/deadline.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { PoolPolicy } from '../../model/pool/pool.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Slot } from '../shapes/shape-record.ts';
import type { ShapeRecords } from '../shapes/shape-records.ts';

/** A question is one small frame, but a thousand at once would hold up the claims of that moment. */
const LOOKS_AT_ONCE = 16;

export interface LooksOptions {
  policy: () => Pick<PoolPolicy, 'health'>;
  records: ShapeRecords;
  fleet: Fleet;
  /** Asks to be called at this moment: monotonic milliseconds. */
  watch: (due: number) => void;
  clock: Clock;
}

/** Asks the idle instances from time to time whether they live; frozen ones cannot answer and are left alone. */
export class Looks {
  readonly #options: LooksOptions;
  /** Undefined while there is nothing to look at. */
  #next: number | undefined;
  #looking = false;
  #stopped = false;

  constructor(options: LooksOptions) {
    this.#options = options;
  }

  /** Looks when it is time. To be called when something became idle, and when it is time. */
  tick(now: number): void {
    const { policy, watch } = this.#options;
    const { interval } = policy().health;
    if (this.#stopped || interval === 0 || !this.#anyIdle()) {
      this.#next = undefined;
      return;
    }
    this.#next = Math.min(this.#next ?? Number.POSITIVE_INFINITY, now + interval);
    if (this.#next <= now) {
      this.#next = now + interval;
      if (!this.#looking) void this.#lookAtAll();
    }
    watch(this.#next);
  }

  stop(): void {
    this.#stopped = true;
  }

  #anyIdle(): boolean {
    return this.#options.records.all().some(({ idle }) => idle.length > 0);
  }

  async #lookAtAll(): Promise<void> {
    this.#looking = true;
    const left = this.#options.records.all().flatMap(({ idle }) => idle);
    const look = async (): Promise<void> => {
      for (let slot = left.pop(); slot !== undefined && !this.#stopped; slot = left.pop())
        await this.#look(slot);
    };
    await Promise.all(Array.from({ length: Math.min(LOOKS_AT_ONCE, left.length) }, look));
    this.#looking = false;
  }

  /** Never throws. One that was claimed meanwhile is its holder's, also when it has come back since. */
  async #look(slot: Slot): Promise<void> {
    const { policy, fleet, clock } = this.#options;
    const instance = slot.instance!;
    if (slot.state !== 'idle' || slot.pausing || instance.state !== 'idle') return;
    const { since } = slot;
    const { timeout } = policy().health;
    try {
      await withDeadline(clock, timeout, `the look at ${instance.id}`, instance.channel.ping(timeout));
    } catch (error) {
      // One that was frozen while it was asked is silent for a good reason.
      if (slot.since === since && !slot.pausing && instance.state === 'idle')
        fleet.lose(slot, FsbError.from(error).message);
    }
  }
}
