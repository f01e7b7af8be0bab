import type { Clock } from './clock.ts';

/**
 * When something ends. What has a span ends on the monotonic clock, which no jump of the wall clock moves; what ends at a
 * moment that people name follows the wall clock, wherever that jumps.
 */
export type Deadline = { monotonic: number } | { wall: number };

/** Nothing tells of a jump of the wall clock: while something ends by it, it is looked at this often, in milliseconds. */
const LOOK = 10_000;

/** One timer for all expiries: it is armed for the earliest. */
export class Expiry {
  readonly #clock: Clock;
  readonly #expire: (id: string) => void;
  readonly #deadlines = new Map<string, Deadline>();
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(clock: Clock, expire: (id: string) => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** Undefined: never. */
  set(id: string, deadline: Deadline | undefined): void {
    this.setAll([[id, deadline]]);
  }

  setAll(deadlines: Iterable<readonly [id: string, deadline: Deadline | undefined]>): void {
    for (const [id, deadline] of deadlines)
      if (deadline === undefined) this.#deadlines.delete(id);
      else this.#deadlines.set(id, deadline);
    this.#arm();
  }

  /** Nothing ends any more, from now on: what is under way may still set one. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#arm();
  }

  #arm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#closed || this.#deadlines.size === 0) return;
    let first = Number.POSITIVE_INFINITY;
    for (const deadline of this.#deadlines.values()) {
      const left = this.#left(deadline);
      first = Math.min(first, 'wall' in deadline ? Math.min(left, LOOK) : left);
    }
    this.#cancel = this.#clock.after(Math.max(0, first), () => this.#fire());
  }

  /** Milliseconds. */
  #left(deadline: Deadline): number {
    return 'wall' in deadline
      ? deadline.wall - this.#clock.now()
      : deadline.monotonic - this.#clock.monotonic();
  }

  #fire(): void {
    const due = [...this.#deadlines].filter(([, deadline]) => this.#left(deadline) <= 0).map(([id]) => id);
    for (const id of due) this.#deadlines.delete(id);
    this.#arm();
    for (const id of due) this.#expire(id);
  }
}
