import { throwIfAborted } from '../failure/errors.ts';
import { SharedWork } from './shared-work.ts';

/**
 * Looking at how things are, for any number who ask: one round at a time. Who asks while one is under way waits for the next one,
 * together with all who do: what they have seen to before they asked is in it.
 */
export class Rounds<T> {
  readonly #work: (signal: AbortSignal) => Promise<T>;
  /** That of the last round. */
  #ended: Promise<void> = Promise.resolve();
  /** One that has not begun. */
  #next: SharedWork<T> | undefined;

  /** @param work is aborted when nobody waits for it any more */
  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.#work = work;
  }

  /** As SharedWork. */
  join(signal?: AbortSignal): Promise<T> {
    if (this.#next === undefined || this.#next.isAbandoned) this.#next = this.#nextRound();
    return this.#next.join(signal);
  }

  #nextRound(): SharedWork<T> {
    const before = this.#ended;
    const round = new SharedWork(async (leaving) => {
      await before;
      if (this.#next === round) this.#next = undefined;
      throwIfAborted(leaving);
      return this.#work(leaving);
    });
    this.#ended = round.ended;
    return round;
  }
}
