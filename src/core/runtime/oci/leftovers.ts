import type { Logger } from 'pino';
import { endsWithin } from '../../model/async/ends-within.ts';
import { Turns } from '../../model/async/turns.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { DestroyOptions } from '../driver.ts';

/** How many removals run side by side when the driver ends. */
const AT_ONCE = 4;
/** Milliseconds that all of them have then. */
const CLOSE_LIMIT = 5_000;

export interface LeftoversOptions {
  /** Calls gone() when it succeeds. */
  remove: (id: string, how: DestroyOptions) => Promise<void>;
  clock: Clock;
  log: Logger;
}

/** What boots have left that failed, and could not be cleaned up after: perhaps for the same want. */
export class Leftovers {
  readonly #options: LeftoversOptions;
  readonly #left = new Map<string, DestroyOptions>();

  constructor(options: LeftoversOptions) {
    this.#options = options;
  }

  has(id: string): boolean {
    return this.#left.has(id);
  }

  add(id: string, how: DestroyOptions): void {
    this.#left.set(id, how);
  }

  gone(id: string): void {
    this.#left.delete(id);
  }

  /** Tries once more to remove each; what is not gone within five seconds is left to the next core. */
  async close(): Promise<void> {
    const { remove, clock, log } = this.#options;
    const turns = new Turns(AT_ONCE);
    const late = new AbortController();
    const removals = [...this.#left].map(([id, how]) =>
      turns
        .take('', () => remove(id, how), late.signal)
        .catch((error: unknown) =>
          log.error({ err: error, instance: id }, 'what a failed boot left is left to the next core'),
        ),
    );
    const isDone = await endsWithin(clock, CLOSE_LIMIT, Promise.all(removals));
    if (!isDone) late.abort(new FsbError('timeout', `the core had ${CLOSE_LIMIT} ms to remove it`));
  }
}
