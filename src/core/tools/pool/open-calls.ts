import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { resultWithin } from '../run/time-limit.ts';

/** Milliseconds for aborted calls to give back what they have. */
const GIVE_BACK_GRACE = 5_000;

/** The calls that are under way, and what they leave to be done after their answer. */
export class OpenCalls {
  readonly #clock: Clock;
  readonly #callers = new Set<AbortController>();
  readonly #work = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Does the work with a signal that is aborted when the caller leaves and when this closes.
   * @throws unavailable after close
   */
  async run<T>(caller: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) throw goingAway();
    const own = new AbortController();
    // Not AbortSignal.any: see model/async/either-signal.ts.
    const leave = (): void => own.abort(caller.reason);
    if (caller.aborted) leave();
    caller.addEventListener('abort', leave);
    this.#callers.add(own);
    try {
      const done = work(own.signal);
      this.keep(done);
      return await done;
    } finally {
      caller.removeEventListener('abort', leave);
      this.#callers.delete(own);
    }
  }

  /** Work that close() waits for; whether it fails is the affair of whoever made it. */
  keep(work: Promise<unknown>): void {
    const done = (): void => {
      this.#work.delete(settled);
    };
    const settled: Promise<void> = work.then(done, done);
    this.#work.add(settled);
  }

  /** Refuses new calls, gives those under way `graceMs`, aborts the rest, and waits for what they give back. Idempotent. */
  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  async #close(graceMs: number): Promise<void> {
    const cancel = this.#clock.after(graceMs, () => {
      for (const caller of this.#callers) caller.abort(goingAway());
    });
    await resultWithin(this.#clock, graceMs + GIVE_BACK_GRACE, this.#drained());
    cancel();
  }

  /** What is under way may leave more to be done. */
  async #drained(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }
}

const goingAway = (): FsbError => new FsbError('unavailable', 'the core is going away');
