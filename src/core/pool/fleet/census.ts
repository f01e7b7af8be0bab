import { isUnsettled, type SlotState } from '../shapes/slot-state.ts';

/** How many instances there are, and in how many of them something is under way; tells when none is. */
export class Census {
  #size = 0;
  #unsettled = 0;
  #waiting: { until: () => boolean; resolve: () => void }[] = [];

  /** Idle + claimed + booting + stopping. */
  get size(): number {
    return this.#size;
  }

  moved(from: SlotState, to: SlotState): void {
    this.#size += Number(from === 'out') - Number(to === 'out');
    this.#unsettled += Number(isUnsettled(to)) - Number(isUnsettled(from));
    if (this.#waiting.length > 0) this.#tellWaiting();
  }

  /** Nothing is done any more about one that is `stopping`, and will not be: the pool is closed. */
  givenUp(): void {
    this.#unsettled -= 1;
    this.#tellWaiting();
  }

  /** Resolves when nothing boots, is being claimed, is being given back or is being torn down. */
  quiet(): Promise<void> {
    return this.#when(() => this.#unsettled === 0);
  }

  /** Resolves when no instance is left. */
  empty(): Promise<void> {
    return this.#when(() => this.#size === 0);
  }

  #when(until: () => boolean): Promise<void> {
    if (until()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ until, resolve }));
  }

  #tellWaiting(): void {
    const due = this.#waiting.filter(({ until }) => until());
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter((entry) => !due.includes(entry));
    for (const { resolve } of due) resolve();
  }
}
