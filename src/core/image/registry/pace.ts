import type { Clock } from '../../model/clock.ts';

/** Milliseconds. */
const SPAN = 60_000;
/** Bytes per second. */
const LOWEST_SPEED = 1024;

/**
 * Looks whether an answer comes fast enough: a byte now and then is no silence, and would hold its place for ever. Only
 * the time counts in which somebody waits for it.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #isLayer: boolean;
  #waited = 0;
  #bytes = 0;

  /** @param isLayer it may take its time as a whole; anything else must be here within a minute */
  constructor(clock: Clock, isLayer: boolean) {
    this.#clock = clock;
    this.#isLayer = isLayer;
  }

  /** @throws when it is too slow */
  async measured(next: Promise<IteratorResult<Buffer>>): Promise<IteratorResult<Buffer>> {
    const start = this.#clock.monotonic();
    const result = await next;
    this.#waited += this.#clock.monotonic() - start;
    if (result.done || this.#waited < SPAN) {
      this.#bytes += result.value?.length ?? 0;
      return result;
    }
    if (!this.#isLayer) throw new Error(`not all of it came within ${SPAN / 1000} s`);
    this.#bytes += result.value.length;
    if (this.#bytes < (LOWEST_SPEED * SPAN) / 1000)
      throw new Error(`only ${this.#bytes} bytes came within ${SPAN / 1000} s`);
    this.#waited = 0;
    this.#bytes = 0;
    return result;
  }
}
