import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';

/** Milliseconds from a failed try to the next: the first, and the longest. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;

interface Waiting {
  pause: number;
  cancel: () => void;
}

/** What failed on the node or on the disk, and must be done all the same: tried again until it is, or the core ends. */
export class Retries {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #waiting = new Map<string, Waiting>();
  #closed = false;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * @param key the key of the sandbox, for its end, of which there is one step at a time to be tried again; another name for
   * what must be done whatever becomes of the sandbox
   * @param what for the log of the core
   * @param again reports to here how it went; must not throw
   */
  failed(key: string, what: string, error: unknown, again: () => void): void {
    if (this.#closed) return;
    const before = this.#waiting.get(key);
    before?.cancel();
    // Once for each outage: the disk may be the one that this log is on.
    if (before === undefined)
      this.#log.error({ err: error, sandbox: key }, `cannot ${what}; it will be tried again`);
    const pause = before === undefined ? FIRST_PAUSE : Math.min(2 * before.pause, LONGEST_PAUSE);
    this.#waiting.set(key, { pause, cancel: this.#clock.after(pause, again) });
  }

  succeeded(key: string): void {
    const before = this.#waiting.get(key);
    before?.cancel();
    if (this.#waiting.delete(key)) this.#log.info({ sandbox: key }, 'what failed before has been done');
  }

  /** What is not done is left to the next core. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const { cancel } of this.#waiting.values()) cancel();
    this.#waiting.clear();
  }
}
