import { FsbError, throwIfAborted } from '../../model/errors.ts';

/** At most so many at once for each key; the others wait in order. */
export class Limits {
  readonly #most: number;
  readonly #inside = new Map<string, number>();
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns what to call once it is over; idempotent */
  async enter(key: string, signal?: AbortSignal): Promise<() => void> {
    throwIfAborted(signal);
    const inside = this.#inside.get(key) ?? 0;
    if (inside < this.#most) this.#inside.set(key, inside + 1);
    else await this.#turn(key, signal);
    let entered = true;
    return () => {
      if (entered) this.#leave(key);
      entered = false;
    };
  }

  #turn(key: string, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const queue = this.#waiting.get(key) ?? [];
      this.#waiting.set(key, queue);
      const mine = (): void => {
        signal?.removeEventListener('abort', aborted);
        resolve();
      };
      const aborted = (): void => {
        queue.splice(queue.indexOf(mine), 1);
        reject(FsbError.from(signal?.reason));
      };
      queue.push(mine);
      signal?.addEventListener('abort', aborted, { once: true });
    });
  }

  /** The place goes to the next one as it is: nobody can come in between. */
  #leave(key: string): void {
    const next = this.#waiting.get(key)?.shift();
    if (next) {
      next();
      return;
    }
    const inside = this.#inside.get(key)! - 1;
    if (inside > 0) return void this.#inside.set(key, inside);
    this.#inside.delete(key);
    this.#waiting.delete(key);
  }
}
