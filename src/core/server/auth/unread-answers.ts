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
    const giveBack = this.#take(caller, bytes, cut);
    if (giveBack === undefined) return () => {};
    const inTime = this.#clock.after(TIME + (bytes / MIB) * TIME_OF_MIB, cut);
    return () => {
      inTime();
      giveBack();
    };
  }

  /** As `hold`, of what waits of a stream: who follows one may stop reading for as long as they like. */
  holdPart(caller: Caller, bytes: number, cut: () => void): () => void {
    return this.#take(caller, bytes, cut) ?? (() => {});
  }

  /** Undefined: too little to be counted, or it was cut. */
  #take(caller: Caller, bytes: number, cut: () => void): (() => void) | undefined {
    if (bytes < LEAST_COUNTED || caller.name === LOCAL_CALLER.name) return undefined;
    if (this.#shares.lacking(caller, bytes) !== undefined) {
      cut();
      return undefined;
    }
    this.#shares.take(caller, bytes);
    let held = bytes;
    return () => {
      this.#shares.take(caller, -held);
      held = 0;
    };
  }
}
