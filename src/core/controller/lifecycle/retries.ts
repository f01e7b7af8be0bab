import type { Logger } from 'pino';
import { endsWithin } from '../../model/async/ends-within.ts';
import type { Clock } from '../../model/clock.ts';

/** Milliseconds from a failed try to the next: the first, and the longest. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;
/** Milliseconds that close() waits for what is under way. */
const CLOSE_LIMIT = 5_000;

interface Waiting {
  pause: number;
  cancel: () => void;
}

/** What failed on the node or on the disk, and must be done all the same: tried again until it is, or the core ends. */
export class Retries {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #waiting = new Map<string, Waiting>();
  readonly #underWay = new Set<Promise<void>>();
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

  /**
   * Does it now, and again until it succeeds. Resolves when the first try is over, whatever came of it.
   * @param key,what as in failed()
   */
  begin(key: string, what: string, work: () => Promise<void>): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const again = (): void => void this.begin(key, what, work);
    const before = this.#waiting.get(key);
    const settled = work()
      .then(
        () => {
          // Something else may wait for its next try by now.
          if (this.#waiting.get(key) === before) this.succeeded(key);
        },
        (error: unknown) => this.failed(key, what, error, again),
      )
      .finally(() => this.#underWay.delete(settled));
    this.#underWay.add(settled);
    return settled;
  }

  succeeded(key: string): void {
    const before = this.#waiting.get(key);
    before?.cancel();
    if (this.#waiting.delete(key)) this.#log.info({ sandbox: key }, 'what failed before has been done');
  }

  /** Nothing begins any more, from now on; waits for what is under way, for five seconds. The rest is left to the next core. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { cancel } of this.#waiting.values()) cancel();
    this.#waiting.clear();
    if (this.#underWay.size > 0) await endsWithin(this.#clock, CLOSE_LIMIT, Promise.all(this.#underWay));
  }
}
