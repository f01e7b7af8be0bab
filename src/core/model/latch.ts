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

  /** The work's own outcome, or what `otherwise` does when this is open before it: the work is nobody's then. */
  first<T>(work: Promise<T>, otherwise: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const wake = (): void => resolve(Promise.resolve().then(otherwise));
      if (this.#isOpen) wake();
      else this.#waiting.add(wake);
      work.then(resolve, reject).finally(() => this.#waiting.delete(wake));
    });
  }
}
