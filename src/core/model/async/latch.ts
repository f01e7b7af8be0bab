import { FsbError } from '../failure/errors.ts';

/**
 * Opens once, for good. Who waits for it beside some work is forgotten with that work, while a Promise.race() with a promise
 * that lives on keeps every outcome for as long as that one lives.
 */
export class Latch {
  readonly #waiting = new Set<() => void>();
  #isOpen = false;

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Idempotent. */
  open(): void {
    this.#isOpen = true;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Resolves when it is open. Nothing is kept of who leaves before. @throws the signal's reason */
  wait(signal?: AbortSignal): Promise<void> {
    if (this.#isOpen) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.delete(wake);
        reject(FsbError.from(signal?.reason));
      };
      if (signal?.aborted) return leave();
      this.#waiting.add(wake);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  /** The work's own outcome, or what `otherwise` does when this is open before it: the work is nobody's then. */
  first<T>(work: Promise<T>, otherwise: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const wake = (): void => resolve(Promise.resolve().then(otherwise));
      if (this.#isOpen) wake();
      else this.#waiting.add(wake);
      // Forgotten before anybody hears of it: who opens this on the news would wake a wait whose failure is nobody's.
      const forget = (): unknown => this.#waiting.delete(wake);
      work.finally(forget).then(resolve, reject);
    });
  }
}
