const BUCKETS = 60;

/** Hits and misses of the latest while, exact to a sixtieth of it; takes the same room however many there are. */
export class DemandWindow {
  /** Milliseconds. */
  readonly window: number;
  readonly #width: number;
  readonly #hits = new Uint32Array(BUCKETS);
  readonly #misses = new Uint32Array(BUCKETS);
  /** The number of the newest bucket, counted since the beginning of time. */
  #newest = 0;

  constructor(window: number) {
    this.window = window;
    this.#width = window / BUCKETS;
  }

  /** `now`: monotonic milliseconds */
  note(now: number, hit: boolean): void {
    this.#forget(now);
    const counts = hit ? this.#hits : this.#misses;
    counts[this.#newest % BUCKETS]! += 1;
  }

  count(now: number): { hits: number; misses: number } {
    this.#forget(now);
    return { hits: sum(this.#hits), misses: sum(this.#misses) };
  }

  /** Empties the buckets whose time is over; they are the ones that come next. */
  #forget(now: number): void {
    const current = Math.floor(now / this.#width);
    const passed = Math.min(current - this.#newest, BUCKETS);
    for (let step = 1; step <= passed; step++) {
      const bucket = (this.#newest + step) % BUCKETS;
      this.#hits[bucket] = 0;
      this.#misses[bucket] = 0;
    }
    this.#newest = current;
  }
}

const sum = (counts: Uint32Array): number => counts.reduce((total, count) => total + count, 0);
