import type { PoolShapeStatus } from '../../model/pool.ts';
import type { ShapeRecord } from '../fleet/shape-record.ts';

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
