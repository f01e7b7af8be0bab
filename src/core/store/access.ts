import { Latch } from '../model/async/latch.ts';
import type { Clock } from '../model/clock.ts';
import { FsbError } from '../model/failure/errors.ts';

/** Milliseconds that a commit may take after one that failed. */
const PATIENCE = 10_000;

/** Milliseconds between two looks whether any write has ended, and how many in a row may find none: a disk may be slow, a process be stopped. */
const LOOK_EVERY = 10_000;
const MOST_LOOKS = 6;

/** What LMDB says to whoever uses an environment that it has given up. */
const GIVEN_UP = 'MDB_PANIC';

/**
 * LMDB gives its environment up when it cannot write a meta page. From then on each read fails, and lmdb leaves the promises
 * of writes unsettled, and reports each try in a way that harms the process (docs/decisions/lmdb.md). Nobody may wait for
 * those: when LMDB says so, or nothing is heard after a failed commit, nothing is read or written any more. Nor when nothing is heard
 * for a minute without one: now and then the first commit that fails leaves its writes unsettled.
 */
export class Access {
  readonly #clock: Clock;
  readonly #probe: () => void;
  /** Resolves when it has come to that. */
  readonly over: Promise<FsbError>;
  readonly #givenUp = new Latch();
  #end!: (error: FsbError) => void;
  #error: FsbError | undefined;
  #hasFailed = false;
  /** What the last commit failed with, as far as it is known. */
  #failure: unknown;
  #underWay = 0;
  /** Looks in a row that found no write ended. */
  #looks = 0;
  #stopLooking: (() => void) | undefined;
  #cancel: (() => void) | undefined;

  /** @param probe reads something; throws what lmdb says */
  constructor(clock: Clock, probe: () => void) {
    this.#clock = clock;
    this.#probe = probe;
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** True when no write of lmdb will ever end again. */
  get isOver(): boolean {
    return this.#error !== undefined;
  }

  /** @throws unavailable: nothing can be written any more; whatever write() throws */
  async write<R>(write: () => Promise<R>): Promise<R> {
    // It may have been given up by a commit behind the one that failed.
    if (this.#hasFailed) this.#look();
    if (this.#error !== undefined) throw this.#error;
    this.#underWay += 1;
    if (this.#underWay === 1) this.#lookAgain();
    if (this.#hasFailed) this.#watch();
    try {
      const result = await this.#givenUp.first(
        write().catch((error) => this.#failed(error)),
        () => {
          throw this.#error;
        },
      );
      this.#hasFailed = false;
      this.#failure = undefined;
      this.#unwatch();
      return result;
    } catch (error) {
      if (this.#error !== undefined) throw error;
      this.#failure = error;
      this.#look();
      throw error;
    } finally {
      this.#underWay -= 1;
      this.#looks = 0;
      if (this.#underWay === 0) {
        this.#stopLooking?.();
        this.#unwatch();
      }
    }
  }

  /** @throws unavailable: nothing can be read any more, or lmdb cannot read this */
  read<R>(read: () => R): R {
    if (this.#error !== undefined) throw this.#error;
    try {
      return read();
    } catch (error) {
      if (error instanceof FsbError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      // Lmdb's next answer in this turn may be an empty table.
      if (reason.includes(GIVEN_UP)) throw this.#giveUp();
      throw new FsbError('unavailable', `cannot read the records: ${reason}`, {
        hint: 'Look at dmesg, and at: fsb-ctl doctor',
        cause: error,
      });
    }
  }

  /** @throws the reason */
  async #failed(error: unknown): Promise<never> {
    this.#hasFailed = true;
    // Of the reason, too, it may never be heard.
    if (this.#underWay > 0) this.#watch();
    throw await commitErrorOf(error);
  }

  #look(): void {
    try {
      this.read(this.#probe);
    } catch {
      // It is over, or whoever reads will be told.
    }
  }

  #lookAgain(): void {
    this.#stopLooking = this.#clock.after(LOOK_EVERY, () => {
      this.#looks += 1;
      if (this.#looks < MOST_LOOKS) this.#lookAgain();
      else this.#giveUp();
    });
  }

  #watch(): void {
    this.#cancel ??= this.#clock.after(PATIENCE, () => void this.#giveUp());
  }

  #unwatch(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #giveUp(): FsbError {
    this.#error ??= overError(this.#failure);
    this.#end(this.#error);
    this.#givenUp.open();
    return this.#error;
  }
}

/** lmdb rejects with an error that holds a promise of the reason; left alone, that one would be an unhandled rejection. */
async function commitErrorOf(error: unknown): Promise<unknown> {
  try {
    await (error as { commitError?: Promise<unknown> }).commitError;
    return error;
  } catch (reason) {
    return reason;
  }
}

const overError = (cause: unknown): FsbError =>
  new FsbError(
    'unavailable',
    'no record can be read or written any more: the disk failed under an earlier one, so this core ends',
    {
      hint: 'Look at dmesg. Sandboxes run on; when the disk is well again, the next command starts the next core.',
      cause,
    },
  );
