import type { Clock } from './clock.ts';

/**
 * One timer for all expiries: it is armed for the earliest. Timers are monotonic, so a jump of the wall clock neither
 * expires anything early nor keeps it alive.
 */
export class Expiry {
  readonly #clock: Clock;
  readonly #expire: (id: string) => void;
  /** Monotonic deadline of each id. */
  readonly #deadlines = new Map<string, number>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, expire: (id: string) => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** `expiresAt` is wall clock milliseconds; 0 removes. */
  set(id: string, expiresAt: number): void {
    if (expiresAt === 0) this.#deadlines.delete(id);
    else this.#deadlines.set(id, this.#clock.monotonic() + Math.max(0, expiresAt - this.#clock.now()));
    this.#arm();
  }

  close(): void {
    this.#deadlines.clear();
    this.#arm();
  }

  #arm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#deadlines.size === 0) return;
    const earliest = Math.min(...this.#deadlines.values());
    this.#cancel = this.#clock.after(Math.max(0, earliest - this.#clock.monotonic()), () => this.#fire());
  }

  #fire(): void {
    const now = this.#clock.monotonic();
    const due = [...this.#deadlines].filter(([, deadline]) => deadline <= now).map(([id]) => id);
    for (const id of due) this.#deadlines.delete(id);
    this.#arm();
    for (const id of due) this.#expire(id);
  }
}
