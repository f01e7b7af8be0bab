import type { Clock } from '../../model/clock.ts';

/** Entries of one key that are written within this time, milliseconds. */
const MOST = 20;
const WINDOW = 60_000;

interface Window<Entry> {
  written: number;
  /** Came beyond these; the last one stands for all. */
  last?: Entry;
  more: number;
  cancel: () => void;
}

/** Entries of which anybody can make as many as they like: of many of a kind within a minute the first few are written, and one for the rest. */
export class Repeats<Entry extends { more?: number }> {
  readonly #clock: Clock;
  readonly #write: (entry: Entry) => void;
  readonly #windows = new Map<string, Window<Entry>>();

  constructor(clock: Clock, write: (entry: Entry) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  /** @param key those of others are counted apart @returns whether it is written now */
  add(key: string, entry: Entry): boolean {
    const window = this.#windows.get(key) ?? this.#open(key);
    if (window.written < MOST) {
      window.written += 1;
      this.#write(entry);
      return true;
    }
    if (window.last !== undefined) window.more += 1;
    window.last = entry;
    return false;
  }

  /** Writes what is left. Idempotent. */
  close(): void {
    for (const key of [...this.#windows.keys()]) this.#close(key);
  }

  #open(key: string): Window<Entry> {
    const window: Window<Entry> = {
      written: 0,
      more: 0,
      cancel: this.#clock.after(WINDOW, () => this.#close(key)),
    };
    this.#windows.set(key, window);
    return window;
  }

  #close(key: string): void {
    const { last, more, cancel } = this.#windows.get(key)!;
    this.#windows.delete(key);
    cancel();
    if (last !== undefined) this.#write({ ...last, more });
  }
}
