import { randomBytes } from 'node:crypto';
import type { Clock } from '../model/clock.ts';
import { type CoreEvent, type EventQuery, type Happening, isStep, kindOf } from '../model/event.ts';
import { FsbError, throwIfAborted } from '../model/failure/errors.ts';

/** How many entries are remembered: enough for a reader that is busy for a while. */
const REMEMBERED = 10_000;
/** Bytes of them, about: what callers choose is in them, names and labels. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * What happened in this core, to its pools, sandboxes and images, in order. A reader is a position in one shared memory: it costs nothing while
 * it does not read, and one that falls behind the memory is told so instead of being given a stream with a gap.
 *
 * Events have numbers without a gap. Steps of sandboxes are no events and have no number of their own: only changes()
 * tells them, and only positions count them.
 */
export class EventLog {
  /** Of this log and no other one: positions mean nothing elsewhere. */
  readonly epoch = randomBytes(4).toString('hex');
  readonly #clock: Clock;
  readonly #limit: number;
  /** The entry at position n is at (n - 1) % limit; a step has the number of the event before it. */
  readonly #ring: (CoreEvent | undefined)[] = [];
  #last = 0;
  /** The position of the oldest entry that is remembered. */
  #oldest = 1;
  #bytes = 0;
  #seq = 0;
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
    if (!isStep(happening)) this.#seq += 1;
    if (this.#last - this.#oldest === this.#limit) this.#forget();
    const entry = { ...happening, seq: this.#seq, time: this.#clock.now() };
    this.#ring[(this.#last - 1) % this.#limit] = entry;
    this.#bytes += sizeOf(entry);
    while (this.#bytes > MOST_BYTES && this.#oldest < this.#last) this.#forget();
    this.#wakeAll();
  }

  #forget(): void {
    this.#bytes -= sizeOf(this.#at(this.#oldest));
    this.#ring[(this.#oldest - 1) % this.#limit] = undefined;
    this.#oldest += 1;
  }

  /** The position is taken at the call: what happens before the first event is asked for is not missed. */
  read(query: EventQuery, { signal }: { signal?: AbortSignal } = {}): AsyncIterable<CoreEvent> {
    const { follow = true, since, after } = query;
    const from = since === undefined && follow ? this.#last : this.#before(since);
    const seen = after ?? this.#seqAt(from);
    return this.#read(query, after === undefined ? from : undefined, {
      seen,
      end: follow ? Number.POSITIVE_INFINITY : this.#last,
      signal,
    });
  }

  /** Where the newest entry is; 0: there is none. */
  get position(): number {
    return this.#last;
  }

  /** Every entry after a position, steps too. @throws outdated; unavailable when the core stops */
  async *changes(
    after: number,
    { signal }: { signal?: AbortSignal } = {},
  ): AsyncGenerator<CoreEvent & { position: number }> {
    for (let position = after + 1; ; position += 1) {
      await this.#reached(position, signal);
      if (position < this.#oldest) throw forgotten(position, this.#oldest - 1);
      yield { ...this.#at(position), position };
    }
  }

  /** Ends every reader with an error. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#wakeAll();
  }

  async *#read(
    { pool, kinds, ...query }: EventQuery,
    from: number | undefined,
    { seen, end, signal }: { seen: number; end: number; signal?: AbortSignal },
  ): AsyncGenerator<CoreEvent> {
    let next = (from ?? this.#positionOf(seen)) + 1;
    let told = seen;
    let early = query.after === undefined ? (query.since ?? 0) : 0;
    for (; next <= end; next += 1) {
      await this.#reached(next, signal);
      if (next < this.#oldest) {
        if (told < this.#lost) throw forgotten(told + 1, this.#lost);
        next = this.#oldest;
      }
      const event = this.#at(next);
      told = event.seq;
      if (isStep(event) || event.time < early) continue;
      // From the first one on, all: a clock may be set back.
      early = 0;
      if (kinds && !kinds.includes(kindOf(event))) continue;
      if (pool === undefined || event.pool === pool) yield event;
    }
  }

  /** Behind which the event after number `after` is. @throws invalid_argument, outdated */
  #positionOf(after: number): number {
    if (!Number.isSafeInteger(after) || after < 0)
      throw new FsbError('invalid_argument', `there is no event ${after}`, {
        hint: 'Events are numbered from 1; 0 means all that are remembered from the first on.',
      });
    if (after > this.#seq)
      throw new FsbError('outdated', `event ${after} has not happened: this core has seen ${this.#seq}`, {
        hint: 'The core was started anew since then: begin without a number.',
      });
    if (after < this.#lost) throw forgotten(after + 1, this.#lost);
    let [low, high] = [this.#oldest - 1, this.#last];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#at(middle).seq <= after) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Behind which the first entry since that time is, or the first that is remembered. */
  #before(time = 0): number {
    let position = this.#last;
    while (position >= this.#oldest && this.#at(position).time >= time) position -= 1;
    return position;
  }

  /** The number of the last event up to a position. */
  #seqAt(position: number): number {
    return position < this.#oldest ? this.#lost : this.#at(position).seq;
  }

  /** The number of the newest event that is no longer remembered. */
  get #lost(): number {
    if (this.#oldest === 1) return 0;
    const first = this.#at(this.#oldest);
    return isStep(first) ? first.seq : first.seq - 1;
  }

  #at(position: number): CoreEvent {
    return this.#ring[(position - 1) % this.#limit]!;
  }

  /** Resolves once it is there, or was. @throws the reason of the abort, unavailable when the core stops */
  async #reached(position: number, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    while (position > this.#last) await this.#change(signal);
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

const forgotten = (first: number, last: number): FsbError =>
  new FsbError('outdated', `the events ${first} to ${last} are no longer remembered`, {
    hint: `Read faster, or go on after event ${last}.`,
  });

/** Bytes, about. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  let size = 64;
  for (const [key, one] of Object.entries(value)) size += key.length + sizeOf(one);
  return size;
}
