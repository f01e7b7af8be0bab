import { type Caller, LOCAL_CALLER } from '../../model/caller.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { processMemory } from '../../model/process-memory.ts';
import { formatSize } from '../../model/quantity.ts';
import { Shares } from './shares.ts';

const MIB = 1024 * 1024;
/** Bytes of all answers that were not taken yet, and their part of what the process may take, where that is less. */
const MOST_BYTES = 128 * MIB;
const PART = 1 / 8;
/** Smaller ones are few enough: each is a call of its caller's (./allowance.ts). */
const LEAST_COUNTED = 64 * 1024;
/** Milliseconds to take an answer, and more of them for each MiB. */
const TIME = 60_000;
const TIME_OF_MIB = 15_000;

/** What callers were answered and have not read: it is in the memory of the core until they do. */
export class UnreadAnswers {
  readonly #shares: Shares;
  readonly #clock: Clock;

  /** @param memory that the process may take, bytes */
  constructor(clock: Clock, memory = processMemory()) {
    this.#clock = clock;
    this.#shares = new Shares(Math.min(MOST_BYTES, memory * PART));
  }

  /**
   * To be asked before an answer is made, for many calls may come in one moment.
   * @param bytes about as many as it will have @throws no_capacity: there is no room for it
   */
  assertRoom(caller: Caller, bytes: number): void {
    const lacking = this.#lacking(caller, bytes);
    if (lacking === undefined) return;
    const [who, unread] =
      lacking === 'one' ? [caller.name, this.#shares.of(caller)] : ['all callers', this.#shares.all];
    throw new FsbError(
      'no_capacity',
      `there is no room for an answer of ${formatSize(bytes)}: ${formatSize(unread)} of ${who} wait to be read`,
      {
        hint:
          'Read what was asked for before, or ask for less at once: lists in pages, with a limit. ' +
          'What the call was to change is changed.',
      },
    );
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

  #lacking(caller: Caller, bytes: number): 'one' | 'all' | undefined {
    return isExempt(caller, bytes) ? undefined : this.#shares.lacking(caller, bytes);
  }

  /** Undefined: too little to be counted, or it was cut. */
  #take(caller: Caller, bytes: number, cut: () => void): (() => void) | undefined {
    if (isExempt(caller, bytes)) return undefined;
    if (this.#lacking(caller, bytes) !== undefined) {
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

const isExempt = ({ name }: Caller, bytes: number): boolean =>
  bytes < LEAST_COUNTED || name === LOCAL_CALLER.name;
