import { type Caller, LOCAL_CALLER } from '../../model/caller.ts';
import type { Clock } from '../../model/clock.ts';
import { Shares } from './shares.ts';

const MIB = 1024 * 1024;
/** Bytes of all answers that were not taken yet. */
const MOST_BYTES = 128 * MIB;
/** Smaller ones are few enough: each is a call of its caller's (./allowance.ts). */
const LEAST_COUNTED = 64 * 1024;
/** Milliseconds to take an answer, and more of them for each MiB. */
const TIME = 60_000;
const TIME_OF_MIB = 15_000;

/** What callers were answered and have not read: it is in the memory of the core until they do. */
export class UnreadAnswers {
  readonly #shares = new Shares(MOST_BYTES);
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param cut drops the answer: at once when there is no room for it, or when nobody has taken it in its time
   * @returns to be called when it was taken or dropped; idempotent
   */
  hold(caller: Caller, bytes: number, cut: () => void): () => void {
    if (bytes < LEAST_COUNTED || caller.name === LOCAL_CALLER.name) return () => {};
    if (this.#shares.lacking(caller, bytes) !== undefined) {
      cut();
      return () => {};
    }
    this.#shares.take(caller, bytes);
    let held = bytes;
    const inTime = this.#clock.after(TIME + (bytes / MIB) * TIME_OF_MIB, cut);
    return () => {
      inTime();
      this.#shares.take(caller, -held);
      held = 0;
    };
  }
}
