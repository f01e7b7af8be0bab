import type { Clock } from '../model/clock.ts';
import { FsbError, throwIfAborted } from '../model/errors.ts';
import { type CoreEvent, type EventQuery, type Happening, kindOf } from '../model/event.ts';

/** How many events are remembered: enough for a reader that is busy for a while, and a few megabytes at most. */
const REMEMBERED = 10_000;

/**
 * What happened in this core, to its pools, sandboxes and images, in order. A reader is a position in one shared memory: it costs nothing while
 * it does not read, and one that falls behind the memory is told so instead of being given a stream with a gap.
 */
export class EventLog {
  readonly #clock: Clock;
  readonly #limit: number;
  /** The event with number n is at (n - 1) % limit. */
  readonly #ring: CoreEvent[] = [];
  #last = 0;
  #waiting = new Set<() => void>();
  #closed = false;

  constructor(clock: Clock, limit = REMEMBERED) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** Never throws and never waits. */
  append(happening: Happening): void {
    if (this.#closed) return;
    this.#last += 1;
    this.#ring[(this.#last - 1) % this.#limit] = { ...happening, seq: this.#last, time: this.#clock.now() };
    this.#wakeAll();
  }

  /** The position is taken at the call: what happens before the first event is asked for is not missed. */
  read(query: EventQuery, { signal }: { signal?: AbortSignal } = {}): AsyncIterable<CoreEvent> {
    const { follow = true, since } = query;
    const { after = since === undefined && follow ? this.#last : this.#before(since) } = query;
    return this.#read(query, after, follow ? Number.POSITIVE_INFINITY : this.#last, signal);
  }

  /** The number of the last event before that time, or before all that are remembered. */
  #before(time = 0): number {
    let seq = this.#last;
    while (seq >= this.#oldest && this.#remembered(seq).time >= time) seq -= 1;
    return seq;
  }

  /** Ends every reader with an error. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#wakeAll();
  }

  async *#read(
    { pool, kinds, ...query }: EventQuery,
    after: number,
    end: number,
    signal?: AbortSignal,
  ): AsyncGenerator<CoreEvent> {
    if (!Number.isSafeInteger(after) || after < 0)
      throw new FsbError('invalid_argument', `there is no event ${after}`, {
        hint: 'Events are numbered from 1; 0 means all that are remembered from the first on.',
      });
    if (after > this.#last)
      throw new FsbError('unavailable', `event ${after} has not happened: this core has seen ${this.#last}`, {
        hint: 'The core was started anew since then: begin without a number.',
      });
    let early = query.after === undefined ? (query.since ?? 0) : 0;
    for (let next = after + 1; next <= end; next += 1) {
      throwIfAborted(signal);
      while (next > this.#last) await this.#change(signal);
      const event = this.#remembered(next);
      if (event.time < early) continue;
      // From the first one on, all: a clock may be set back.
      early = 0;
      if (kinds && !kinds.includes(kindOf(event))) continue;
      if (pool === undefined || event.pool === pool) yield event;
    }
  }

  get #oldest(): number {
    return Math.max(1, this.#last - this.#limit + 1);
  }

  #remembered(seq: number): CoreEvent {
    const oldest = this.#oldest;
    if (seq >= oldest) return this.#ring[(seq - 1) % this.#limit]!;
    throw new FsbError('unavailable', `the events ${seq} to ${oldest - 1} are no longer remembered`, {
      hint: `Read faster, or go on after event ${oldest - 1}.`,
    });
  }

  /** Resolves when something happened. @throws the reason of the abort, unavailable when the core stops */
  async #change(signal?: AbortSignal): Promise<void> {
    if (this.#closed) throw new FsbError('unavailable', 'the core is stopping: no more events');
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal?.addEventListener('abort', wake);
    });
    throwIfAborted(signal);
  }

  #wakeAll(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
