import type { PoolShapeStatus } from '../model/pool.ts';
import type { ShapeRecord } from './shape-record.ts';

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

/** The row of one shape for `pool status`. */
export function shapeStatus(
  policy: { name: string; capacity: { max: number } },
  record: ShapeRecord,
  waiting: number,
): PoolShapeStatus {
  const [p50, p99] = record.times.quantiles(0.5, 0.99);
  const trouble = [record.boots, record.refills].find((breaker) => breaker.phase !== 'closed');
  return {
    pool: policy.name,
    shape: record.key,
    image: record.image,
    max: policy.capacity.max,
    idle: record.idle.length,
    claimed: record.claimed,
    booting: record.booting,
    stopping: record.stopping,
    waiting,
    hits: record.hits,
    misses: record.misses,
    evicted: record.evicted,
    ...(trouble === undefined ? {} : { breaker: trouble.reason }),
    ...(p50 === undefined ? {} : { p50, p99 }),
  };
}
