import { type Clock, systemClock } from '../model/clock.ts';
import { FsbError } from '../model/failure/errors.ts';

/** Milliseconds from the first try that found no core on: a restart is mostly over by then. */
const A_WHILE = 500;

/** Tells once, each time that a core goes away, when the next one is not there soon. */
export class Absence {
  readonly #tell: () => void;
  readonly #clock: Pick<Clock, 'monotonic'>;
  #since: number | undefined;
  #told = false;

  constructor(tell: () => void, clock: Pick<Clock, 'monotonic'> = systemClock) {
    this.#tell = tell;
    this.#clock = clock;
  }

  /** The same, and a try of it that finds no core is counted. For what is tried again only where there was one. */
  watch<Args extends unknown[], T>(attempt: (...args: Args) => Promise<T>): (...args: Args) => Promise<T> {
    return async (...args) => {
      try {
        const answer = await attempt(...args);
        this.#isThere();
        return answer;
      } catch (error) {
        if (FsbError.from(error).code === 'unavailable') this.#isAway();
        else this.#isThere();
        throw error;
      }
    };
  }

  #isThere(): void {
    this.#since = undefined;
    this.#told = false;
  }

  #isAway(): void {
    const now = this.#clock.monotonic();
    this.#since ??= now;
    if (this.#told || now - this.#since < A_WHILE) return;
    this.#told = true;
    this.#tell();
  }
}
