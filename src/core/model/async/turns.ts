import { throwIfAborted } from '../failure/errors.ts';
import { abortable } from './abortable.ts';

/** At most so many at once for each key, one when nothing is said; the others wait in the order in which they came. */
export class Turns {
  readonly #atOnce: number;
  /** How many are inside, and who waits, by key. */
  readonly #lines = new Map<string, { inside: number; waiting: Set<() => void> }>();

  constructor(atOnce = 1) {
    this.#atOnce = atOnce;
  }

  /** How many wait. */
  waiting(key: string): number {
    return this.#lines.get(key)?.waiting.size ?? 0;
  }

  /** @throws what the work throws; the signal's reason, without having begun */
  async take<T>(key: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const leave = await this.enter(key, signal);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** @returns what to call once it is over; idempotent. @throws the signal's reason */
  async enter(key: string, signal?: AbortSignal): Promise<() => void> {
    throwIfAborted(signal);
    const line = this.#lines.get(key) ?? { inside: 0, waiting: new Set() };
    this.#lines.set(key, line);
    if (line.inside < this.#atOnce) line.inside += 1;
    else {
      let begin = (): void => {};
      const turn = new Promise<void>((resolve) => {
        begin = resolve;
      });
      line.waiting.add(begin);
      // The turn may have come in the moment in which the caller left: then it goes to the next one.
      await abortable(turn, signal, () => this.#leave(key)).finally(() => line.waiting.delete(begin));
    }
    let entered = true;
    return () => {
      if (entered) this.#leave(key);
      entered = false;
    };
  }

  /** The place goes to the next one as it is: nobody can come in between. */
  #leave(key: string): void {
    const line = this.#lines.get(key)!;
    const [next] = line.waiting;
    if (next) {
      line.waiting.delete(next);
      next();
      return;
    }
    line.inside -= 1;
    if (line.inside === 0) this.#lines.delete(key);
  }
}
