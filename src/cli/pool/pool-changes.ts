import type { CoreApi } from '../../core/api/core-api.ts';
import { abortable } from '../../core/model/async/abortable.ts';
import type { Clock } from '../../core/model/clock.ts';
import { FsbError } from '../../core/model/failure/errors.ts';

/**
 * Tells when it is worth to look at the pools again. It reads the event stream from its own beginning, so nothing that
 * happens during a look is missed, and a burst of events costs one look.
 */
export class PoolChanges implements AsyncDisposable {
  readonly #leave = new AbortController();
  readonly #reading: Promise<void>;
  #changed = false;
  #failure: unknown;
  #wake: () => void = () => {};

  constructor(core: CoreApi, signal: AbortSignal) {
    this.#reading = this.#read(core, AbortSignal.any([signal, this.#leave.signal]));
  }

  /** Resolves when something has happened since it last did. @throws what ended the event stream */
  async next(): Promise<void> {
    if (!this.#changed)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    this.#changed = false;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** @throws timeout when nothing happens in so many milliseconds; what next() does */
  async nextWithin(clock: Clock, ms: number): Promise<void> {
    const reason = new FsbError('timeout', 'nothing has happened');
    // A stream that always has something would win against a timer, however late it is.
    if (ms <= 0) throw reason;
    const late = new AbortController();
    const cancel = clock.after(ms, () => late.abort(reason));
    try {
      await abortable(this.next(), late.signal);
    } finally {
      cancel();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave.abort();
    await this.#reading;
  }

  async #read(core: CoreApi, signal: AbortSignal): Promise<void> {
    try {
      for await (const _ of core.system.events({}, { signal })) this.tell();
      this.#failure = eventsEnded();
    } catch (error) {
      this.#failure = error;
    }
    if (signal.aborted) this.#failure = signal.reason;
    this.tell();
  }

  /** There is something else to look again for. */
  tell(): void {
    this.#changed = true;
    this.#wake();
  }
}

/** A stream of events has no end of its own. */
export const eventsEnded = (): FsbError =>
  new FsbError('unavailable', 'the stream of events has ended: the core has stopped', {
    hint: 'Run the command again; it starts the core when it does not run.',
  });
