import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';

/** Milliseconds between two tries: doubled from one to the next. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;
/** How often it tries again once it must hurry. */
const LAST_TRIES = 3;

export interface PersistenceOptions {
  clock: Clock;
  log: Logger;
  /** What is written, for the log of the core. */
  what: string;
  /** From then on there are only a few more tries, soon one after the other. */
  hurry: AbortSignal;
  /** From then on what fails is not tried again. */
  stop: AbortSignal;
}

/**
 * Writes that must not get lost because the disk was full for a while: each is tried until it succeeds, as long as
 * there is time. The tries that are left in a hurry are for all writes together, so that the end is bounded.
 */
export class Persistence {
  readonly #options: PersistenceOptions;
  #failing = false;
  #triesLeft = LAST_TRIES;

  constructor(options: PersistenceOptions) {
    this.#options = options;
  }

  /** @throws what the last try failed with, when there is no time for another one */
  async insist(write: () => Promise<void>): Promise<void> {
    for (let pause = FIRST_PAUSE; ; ) {
      try {
        await write();
        this.#succeeded();
        return;
      } catch (error) {
        this.#failed(error);
        if (!this.#mayTryAgain()) throw error;
      }
      const hurried = await this.#pause(pause);
      pause = hurried ? FIRST_PAUSE : Math.min(2 * pause, LONGEST_PAUSE);
    }
  }

  #mayTryAgain(): boolean {
    if (this.#options.stop.aborted) return false;
    if (!this.#options.hurry.aborted) return true;
    this.#triesLeft -= 1;
    return this.#triesLeft >= 0;
  }

  /** True when it was cut short because there is no more time for long ones. */
  #pause(ms: number): Promise<boolean> {
    const { clock, hurry, stop } = this.#options;
    return new Promise((resolve) => {
      const done = (hurried: boolean): void => {
        cancel();
        hurry.removeEventListener('abort', cutShort);
        stop.removeEventListener('abort', cutShort);
        resolve(hurried);
      };
      const cutShort = (): void => done(true);
      const cancel = clock.after(ms, () => done(false));
      hurry.addEventListener('abort', cutShort);
      stop.addEventListener('abort', cutShort);
    });
  }

  /** Once for each outage: it may last, and the disk may be the one that the log of the core is on. */
  #failed(error: unknown): void {
    if (this.#failing) return;
    this.#failing = true;
    this.#options.log.error({ err: error }, `cannot write ${this.#options.what}; trying again`);
  }

  #succeeded(): void {
    if (!this.#failing) return;
    this.#failing = false;
    this.#options.log.info(`can write ${this.#options.what} again`);
  }
}
