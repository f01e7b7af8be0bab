import type { Clock } from '../../model/clock.ts';

/** Which of what is stored is to go. */
export interface Collection {
  /** Asked anew for each: an image that was added meanwhile may have it. */
  isUsed: (digest: string) => boolean;
  /** Only what nobody has wanted since then, in milliseconds since the epoch. */
  before: number;
  /** Only these. */
  only?: ReadonlySet<string>;
}

export interface GarbageOptions {
  /** When the next leftover is due, in milliseconds since the epoch; undefined when there is none. */
  nextDue: () => number | undefined;
  collect: () => Promise<unknown>;
  clock: Clock;
}

/** Collects leftovers when their time of grace is over: one timer, and none while nothing is left over. */
export class Garbage {
  readonly #options: GarbageOptions;
  #cancel: (() => void) | undefined;
  #collecting: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: GarbageOptions) {
    this.#options = options;
  }

  /** To be called when there may be more to collect than before. */
  readonly watch = (): void => {
    if (this.#closed || this.#cancel !== undefined) return;
    const { nextDue, clock } = this.#options;
    const due = nextDue();
    if (due === undefined) return;
    this.#cancel = clock.after(Math.max(Math.ceil(due - clock.now()), 0), () => {
      this.#cancel = undefined;
      this.#collecting = this.#collect();
    });
  };

  /** Resolves when nothing is being collected any more. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#collecting;
  }

  /** Never rejects. */
  async #collect(): Promise<void> {
    try {
      await this.#options.collect();
      this.watch();
    } catch {
      // Told by collect(). What cannot be removed now is tried again when something else is left over, or at the next open.
    }
  }
}
