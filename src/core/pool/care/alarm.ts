import type { Clock } from '../../model/clock.ts';

/** One timer for everything in the pool that falls due some time: no idle instance and no shape has one of its own. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #due = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  /** `ring` does what is due, and says by when it wants to be called again. */
  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Something falls due at this moment, monotonic milliseconds: it rings then, or earlier. */
  by(due: number): void {
    if (due >= this.#due) return;
    this.stop();
    this.#due = due;
    this.#cancel = this.#clock.after(Math.max(0, due - this.#clock.monotonic()), () => {
      this.stop();
      this.#ring();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#due = Number.POSITIVE_INFINITY;
  }
}
