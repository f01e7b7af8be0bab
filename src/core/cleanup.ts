import type { Logger } from 'pino';
import { endsWithin } from './model/async/ends-within.ts';
import type { Clock } from './model/clock.ts';
import { failpoint } from './model/failure/failpoint.ts';

/** Milliseconds that all of it has, whatever limits its steps have of their own. */
const LIMIT = 25_000;
/**
 * What each step has that begins later than that: most need next to nothing to let go of what they hold. With it all is
 * over within the half a minute that `daemon stop` waits.
 */
const LEAST = 500;

/**
 * What was opened, to be closed in reverse order, each once, whatever the others do. What does not end in time goes on
 * beside the rest, as far as this process lives: the next core finds what it leaves as it does after a crash.
 */
export class Cleanup {
  readonly #steps: { what: string; close: () => Promise<unknown> | unknown }[] = [];
  readonly #log: Logger;
  readonly #clock: Clock;
  #done: Promise<void> | undefined;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  add(what: string, close: () => Promise<unknown> | unknown): void {
    this.#steps.push({ what, close });
  }

  /** Idempotent: every caller waits for the same end. Never rejects; what went wrong is logged. */
  run(): Promise<void> {
    this.#done ??= this.#runAll();
    return this.#done;
  }

  async #runAll(): Promise<void> {
    const deadline = this.#clock.monotonic() + LIMIT;
    for (const { what, close } of this.#steps.reverse()) {
      const left = Math.max(deadline - this.#clock.monotonic(), LEAST);
      try {
        const isDone = await endsWithin(this.#clock, left, (async () => close())());
        if (!isDone) {
          this.#log.error({ what }, 'not closed in time: what is under way is left to the next core');
          continue;
        }
        this.#log.debug({ what }, 'closed');
        failpoint('close.*', what);
      } catch (error) {
        this.#log.error({ err: error, what }, 'could not be closed');
      }
    }
  }
}
