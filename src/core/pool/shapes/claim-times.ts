const REMEMBERED_CLAIMS = 512;

/** The durations of the latest claims, milliseconds; the oldest makes room for the newest. */
export class ClaimTimes {
  #times: Float64Array | undefined;
  #recorded = 0;

  record(ms: number): void {
    this.#times ??= new Float64Array(REMEMBERED_CLAIMS);
    this.#times[this.#recorded % REMEMBERED_CLAIMS] = ms;
    this.#recorded += 1;
  }

  /** Nearest rank, `fraction` in 0..1. Undefined before the first claim. */
  quantiles(...fractions: number[]): (number | undefined)[] {
    const sorted = this.#times?.slice(0, Math.min(this.#recorded, REMEMBERED_CLAIMS)).sort();
    return fractions.map((fraction) => sorted?.[Math.max(0, Math.ceil(fraction * sorted.length) - 1)]);
  }
}
