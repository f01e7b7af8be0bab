import type { PoolShapeStatus } from '../model/pool/pool.ts';

/** A row of `pool status` as `-o json` shows it. Times are milliseconds; absent values are null. */
export interface PoolShapeView {
  pool: string;
  /** Empty for a warm entry whose image is not here; `breaker` says why. */
  shape: string;
  image: string;
  max: number;
  /** How many idle ones are kept. */
  warm: number;
  idle: number;
  claimed: number;
  booting: number;
  stopping: number;
  waiting: number;
  hits: number;
  misses: number;
  evicted: number;
  /** 0..1; null before the first claim. */
  hit_ratio: number | null;
  p50_ms: number | null;
  p99_ms: number | null;
  /** Why boots are refused, while they are. */
  breaker: string | null;
}

export function poolShapeView(row: PoolShapeStatus): PoolShapeView {
  const { pool, shape, image, max, warm, idle, claimed, booting, stopping, waiting } = row;
  const { hits, misses, evicted, p50, p99, breaker } = row;
  const claims = hits + misses;
  return {
    ...{ pool, shape, image, max, warm, idle, claimed, booting, stopping, waiting, hits, misses, evicted },
    hit_ratio: claims === 0 ? null : hits / claims,
    p50_ms: p50 ?? null,
    p99_ms: p99 ?? null,
    breaker: breaker ?? null,
  };
}
