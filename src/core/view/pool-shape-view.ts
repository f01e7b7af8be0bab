import type { PoolShapeStatus } from '../model/pool/pool.ts';
import type { ShapeSummary } from '../model/sandbox/shape.ts';

/** What tells shapes of one image apart. */
export interface ShapeSummaryView {
  runtime: string;
  cpus: number;
  memory_bytes: number;
  pids: number;
  /** Null: as many as there is room for. */
  disk_bytes: number | null;
  network: ShapeSummary['network'];
  /** Paths in the sandbox. */
  mounts: string[];
  /** It goes on with the files of an earlier instance. */
  kept_files: boolean;
}

/** A row of `pool status` as `-o json` shows it. Times are milliseconds; absent values are null. */
export interface PoolShapeView {
  pool: string;
  /** Empty for a warm entry whose image is not here; `breaker` says why. */
  shape: string;
  image: string;
  /** Null where there is no shape. */
  booted_with: ShapeSummaryView | null;
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
  const { bootedWith, hits, misses, evicted, p50, p99, breaker } = row;
  const claims = hits + misses;
  return {
    ...{ pool, shape, image, booted_with: bootedWith === undefined ? null : summaryView(bootedWith) },
    ...{ max, warm, idle, claimed, booting, stopping, waiting, hits, misses, evicted },
    hit_ratio: claims === 0 ? null : hits / claims,
    p50_ms: p50 ?? null,
    p99_ms: p99 ?? null,
    breaker: breaker ?? null,
  };
}

const summaryView = ({ runtime, resources, network, mounts, keptFiles }: ShapeSummary): ShapeSummaryView => ({
  ...{ runtime, cpus: resources.cpus, memory_bytes: resources.memory, pids: resources.pids },
  ...{ disk_bytes: resources.disk ?? null, network, mounts, kept_files: keptFiles },
});
