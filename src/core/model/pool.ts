import type { Resources } from './shape.ts';

/** What to do when a claim finds nothing idle. */
export type OnEmpty = 'boot' | 'wait' | 'fail';

/** The policy of a pool, in the words of its YAML; times in milliseconds, memory in bytes. */
export interface PoolPolicy {
  name: string;
  warm: { image: string; count: number }[];
  /** `max` bounds idle + claimed + booting + stopping; `min` is how many live at least. */
  capacity: { min: number; max: number; bufferMin: number; bufferMax: number };
  memoryBudget: number;
  onEmpty: OnEmpty;
  queue: { length: number; timeout: number };
  /** How many boots run side by side. */
  bootConcurrency: number;
  /** A boot that takes longer is destroyed and counted as failed. */
  bootTimeout: number;
  /** How long the health check within a claim may take. */
  healthTimeout: number;
  resources: Resources;
}

/** One row of `pool status`. */
export interface PoolShapeStatus {
  pool: string;
  /** shapeKey() */
  shape: string;
  /** A reference that people know, for the image of the shape. */
  image: string;
  max: number;
  idle: number;
  claimed: number;
  booting: number;
  stopping: number;
  waiting: number;
  hits: number;
  misses: number;
  evicted: number;
  /** Why boots of this shape are refused, while they are. */
  breaker?: string;
  /** Claim time at the median and the 99th percentile, milliseconds; undefined before the first claim. */
  p50?: number;
  p99?: number;
}

export type PoolEvent =
  | {
      type: 'created' | 'idle' | 'claimed' | 'paused' | 'resumed' | 'returned';
      instance: string;
      shape: string;
    }
  | { type: 'evicted' | 'destroyed'; instance: string; shape: string; cause: string }
  | { type: 'boot-failed'; instance: string; shape: string; cause: string }
  | { type: 'refill'; shape: string; count: number }
  | { type: 'scaled'; min: number }
  | { type: 'drained' };
