import type { EventStream } from '../../api/pool-api.ts';
import type { CoreEvent } from '../../model/event.ts';
import type { TimeLimit } from '../run/time-limit.ts';

/** The events of one pool from now on, until a limit is over. */
export class PoolWatch {
  readonly #limit: TimeLimit;
  readonly #events: AsyncIterator<CoreEvent>;
  readonly #closed = new AbortController();
  #next: Promise<IteratorResult<CoreEvent>>;

  constructor(events: EventStream, pool: string, limit: TimeLimit) {
    this.#limit = limit;
    const signal = AbortSignal.any([limit.signal, this.#closed.signal]);
    this.#events = events({ pool }, { signal })[Symbol.asyncIterator]();
    // Asked for at once: a stream may begin only with the first question.
    this.#next = this.#ask();
  }

  /** Undefined: the limit is over. @throws what ended the stream */
  async next(): Promise<CoreEvent | undefined> {
    try {
      const came = await Promise.race([this.#next, this.#limit.over]);
      if (came === undefined) return undefined;
      this.#next = this.#ask();
      return came.value;
    } catch (error) {
      // The stream may hear of the limit before we do.
      if (this.#limit.signal.aborted) return undefined;
      throw error;
    }
  }

  /** Idempotent. */
  close(): void {
    this.#closed.abort();
  }

  #ask(): Promise<IteratorResult<CoreEvent>> {
    const next = this.#events.next();
    // Whoever waits for it hears of a failure.
    next.catch(() => {});
    return next;
  }
}
