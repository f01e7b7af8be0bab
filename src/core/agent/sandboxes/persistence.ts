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
  /** Milliseconds of an outage after which what fails is given up, until something succeeds; left out: never. */
  patience?: number;
}

/** Since when everything fails, by the monotonic clock, and with what the last try failed. */
interface Outage {
  since: number;
  lastTry: number;
  error: unknown;
}

/**
 * Writes that must not get lost because the disk was full for a while: each is tried until it succeeds, as long as
 * there is time and patience. The tries that are left in a hurry are for all writes together, so that the end is bounded.
 */
export class Persistence {
  readonly #options: PersistenceOptions;
  #outage: Outage | undefined;
  #triesLeft = LAST_TRIES;

  constructor(options: PersistenceOptions) {
    this.#options = options;
  }

  /** @throws what the last try failed with, when there is no time, or no patience, for another one */
  async insist(write: () => Promise<void>): Promise<void> {
    for (let pause = FIRST_PAUSE; ; ) {
      if (this.#isOutOfPatience && !this.#isDue) throw this.#outage?.error;
      try {
        await write();
        this.#succeeded();
        return;
      } catch (error) {
        this.#failed(error);
        if (!this.#mayTryAgain()) throw error;
      }
      const hurried = await this.#pause(Math.min(pause, this.#patienceLeft));
      pause = hurried ? FIRST_PAUSE : Math.min(2 * pause, LONGEST_PAUSE);
    }
  }

  get #patienceLeft(): number {
    const { patience, clock } = this.#options;
    if (patience === undefined || this.#outage === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.#outage.since + patience - clock.monotonic());
  }

  /** In a hurry the tries count, and no longer the time. */
  get #isOutOfPatience(): boolean {
    return this.#patienceLeft === 0 && !this.#options.hurry.aborted;
  }

  /** Out of patience, one write in a while is tried all the same: that is how the end of an outage is noticed. */
  get #isDue(): boolean {
    return (
      this.#outage === undefined || this.#options.clock.monotonic() - this.#outage.lastTry >= FIRST_PAUSE
    );
  }

  #mayTryAgain(): boolean {
    if (this.#options.stop.aborted || this.#isOutOfPatience) return false;
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

  /** Told once for each outage: it may last, and the disk may be the one that the log of the core is on. */
  #failed(error: unknown): void {
    const now = this.#options.clock.monotonic();
    if (this.#outage === undefined)
      this.#options.log.error({ err: error }, `cannot write ${this.#options.what}; trying again`);
    this.#outage = { since: this.#outage?.since ?? now, lastTry: now, error };
  }

  #succeeded(): void {
    if (this.#outage === undefined) return;
    this.#outage = undefined;
    this.#options.log.info(`can write ${this.#options.what} again`);
  }
}
