import type { Clock } from '../../model/clock.ts';

/** Which of what is stored is to go. */
export interface Collection {
  /** Asked anew for each: an image that was added meanwhile may have it. */
  isUsed: (digest: string) => boolean;
  /** Only what nobody has wanted since then, on the monotonic clock. */
  before: number;
  /** Only these. */
  only?: ReadonlySet<string>;
}

export interface GarbageOptions {
  /** When the next leftover is due, on the monotonic clock; undefined when there is none. */
  nextDue: () => number | undefined;
  collect: () => Promise<unknown>;
  clock: Clock;
}

/** Collects leftovers when their time of grace is over: one timer, and none while nothing is left over. */
export class Garbage {
  readonly #options: GarbageOptions;
  #cancel: (() => void) | undefined;
  #collecting: Promise<void> | undefined;
  #isWatching = false;
  #closed = false;

  constructor(options: GarbageOptions) {
    this.#options = options;
  }

  /** To be called when there may be more to collect than before; looks once for all calls of one tick. */
  readonly watch = (): void => {
    if (this.#isWatching || this.#isBusy()) return;
    this.#isWatching = true;
    queueMicrotask(() => {
      this.#isWatching = false;
      if (!this.#isBusy()) this.#look();
    });
  };

  /** Resolves when nothing is being collected any more. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#collecting;
  }

  #isBusy(): boolean {
    return this.#closed || this.#cancel !== undefined || this.#collecting !== undefined;
  }

  #look(): void {
    const { nextDue, clock } = this.#options;
    const due = nextDue();
    if (due === undefined) return;
    this.#cancel = clock.after(Math.max(Math.ceil(due - clock.monotonic()), 0), () => {
      this.#cancel = undefined;
      this.#collecting = this.#collect();
    });
  }

  /** Never rejects. */
  async #collect(): Promise<void> {
    try {
      await this.#options.collect();
      this.#collecting = undefined;
      this.watch();
    } catch {
      // Told by collect(). What cannot be removed now is tried again when something else is left over, or at the next open.
      this.#collecting = undefined;
    }
  }
}
