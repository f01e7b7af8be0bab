import { FsbError, throwIfAborted } from '../../model/errors.ts';

/** How many calls may wait for one sandbox. */
const LONGEST_LINE = 32;

interface Waiter {
  go(): void;
}

/**
 * One tool at a time in each sandbox, first come first served: a timeout kills everything that runs in it, and must not
 * hit the tool of another call.
 */
export class Turns {
  /** By sandbox; the first has the turn. */
  readonly #lines = new Map<string, Waiter[]>();

  /**
   * Resolves to the way to end the turn.
   * @throws conflict when too many wait, the signal's reason
   */
  async take(sandbox: string, signal: AbortSignal): Promise<() => void> {
    throwIfAborted(signal);
    const line = this.#lines.get(sandbox) ?? [];
    if (line.length > LONGEST_LINE)
      throw new FsbError('conflict', `too many calls wait for sandbox ${sandbox}: ${LONGEST_LINE}`, {
        hint: 'One tool runs at a time in a sandbox; create more of them.',
      });
    this.#lines.set(sandbox, line);
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#leave(sandbox, waiter);
        reject(FsbError.from(signal.reason));
      };
      const waiter: Waiter = {
        go: () => {
          signal.removeEventListener('abort', abort);
          resolve(() => this.#leave(sandbox, waiter));
        },
      };
      signal.addEventListener('abort', abort);
      line.push(waiter);
      if (line.length === 1) waiter.go();
    });
  }

  /** Idempotent. */
  #leave(sandbox: string, waiter: Waiter): void {
    const line = this.#lines.get(sandbox);
    const at = line?.indexOf(waiter) ?? -1;
    if (line === undefined || at < 0) return;
    line.splice(at, 1);
    if (line.length === 0) this.#lines.delete(sandbox);
    else if (at === 0) line[0]!.go();
  }
}
