import type { Clock } from '../model/clock.ts';
import { FsbError } from '../model/errors.ts';

/** Milliseconds that a commit may take after one that failed. */
const PATIENCE = 10_000;

/**
 * LMDB gives its environment up when it cannot write a meta page. From then on lmdb leaves the promises of writes unsettled,
 * and reports each try in a way that harms the process (docs/decisions/lmdb.md). Nobody may wait for those: when nothing
 * is heard after a failed commit, nothing is written any more.
 */
export class Commits {
  readonly #clock: Clock;
  readonly #givenUp: Promise<never>;
  #giveUp!: (error: FsbError) => void;
  #error: FsbError | undefined;
  /** What the last commit failed with. */
  #failure: unknown;
  #underWay = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#givenUp = new Promise((_, reject) => {
      this.#giveUp = reject;
    });
    // Nobody may be writing.
    this.#givenUp.catch(() => {});
  }

  /** True when no write of lmdb will ever end again. */
  get areOver(): boolean {
    return this.#error !== undefined;
  }

  /** @throws unavailable: nothing can be written any more; whatever write() throws */
  async run<R>(write: () => Promise<R>): Promise<R> {
    if (this.#error !== undefined) throw this.#error;
    this.#underWay += 1;
    if (this.#failure !== undefined) this.#watch();
    try {
      const result = await Promise.race([write(), this.#givenUp]);
      this.#failure = undefined;
      this.#unwatch();
      return result;
    } catch (error) {
      this.#failure = error;
      if (this.#underWay > 1) this.#watch();
      throw error;
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#unwatch();
    }
  }

  #watch(): void {
    this.#cancel ??= this.#clock.after(PATIENCE, () => {
      this.#error ??= overError(this.#failure);
      this.#giveUp(this.#error);
    });
  }

  #unwatch(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}

const overError = (cause: unknown): FsbError =>
  new FsbError('unavailable', 'no record can be written any more: the disk failed under an earlier one', {
    hint: 'Look at dmesg. When the disk is well again: fsb-ctl daemon restart; sandboxes run on meanwhile.',
    cause,
  });
