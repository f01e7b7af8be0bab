import { noop } from '../../model/async/noop.ts';
import type { FsbError } from '../../model/failure/errors.ts';

/** Starts that nobody was answered yet, by sandbox: each can be broken off, and waited for. */
export class StartsUnderWay {
  readonly #starts = new Map<string, { abort: AbortController; settled: Promise<void> }>();

  has(sandboxId: string): boolean {
    return this.#starts.has(sandboxId);
  }

  /** @param signal of the caller; what `start` is given is aborted with that, too. @throws what the start throws */
  async add<T>(
    sandboxId: string,
    signal: AbortSignal | undefined,
    start: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const abort = new AbortController();
    const started = start(signal ? AbortSignal.any([signal, abort.signal]) : abort.signal);
    this.#starts.set(sandboxId, { abort, settled: started.then(noop, noop) });
    try {
      return await started;
    } finally {
      this.#starts.delete(sandboxId);
    }
  }

  /** Resolves when it has ended, however; at once where there is none. */
  async breakOff(sandboxId: string, reason: FsbError): Promise<void> {
    const start = this.#starts.get(sandboxId);
    start?.abort.abort(reason);
    await start?.settled;
  }

  breakOffAll(reason: FsbError): void {
    for (const { abort } of this.#starts.values()) abort.abort(reason);
  }

  /** Resolves when those that are under way now have ended, however. */
  async ended(): Promise<void> {
    await Promise.all([...this.#starts.values()].map(({ settled }) => settled));
  }
}
