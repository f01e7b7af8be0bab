import type { Resources, ShapeSummary } from '../sandbox/shape.ts';

/** What to do when a claim finds nothing idle. */
export type OnEmpty = 'boot' | 'wait' | 'fail';

/** What becomes of an instance that is given back: it is destroyed, or scrubbed and used again. */
export type Reuse = 'one-shot' | 'sticky';

/** How `min` follows the demand; see pool/decide/autoscale.ts. Times in milliseconds, rates 0..1. */
export interface Autoscale {
  enabled: boolean;
  /** Miss rate above which min rises, and below which it falls. */
  up: number;
  down: number;
  /** How far back claims count. */
  window: number;
  /** Least time between two changes. */
  cooldown: number;
  /** Most that one change adds. */
  maxStep: number;
}

/** The policy of a pool, in the words of its YAML; times in milliseconds, memory in bytes. */
export interface PoolPolicy {
  name: string;
  warm: { image: string; count: number }[];
  /** `max` bounds idle + claimed + booting + stopping; `min` is how many live at least. */
  capacity: { min: number; max: number; bufferMin: number; bufferMax: number };
  memoryBudget: number;
  /** An idle instance beyond what is kept goes after so long, +-10 %; 0: never. */
  ttl: number;
  /** An idle instance older than this is replaced; 0: never. */
  maxAge: number;
  onEmpty: OnEmpty;
  queue: { length: number; timeout: number };
  reuse: Reuse;
  /** Idle instances are frozen; a claim thaws. */
  pauseIdle: boolean;
  /** `interval` between two looks at every idle instance (0: none); `timeout` of one look, and of the one in a claim. */
  health: { interval: number; timeout: number };
  /** argv of a command that must end with 0 in each instance before it counts as idle; empty: none. */
  warmup: string[];
  autoscale: Autoscale;
  /** `auto`, or the name of the runtime that must boot the instances. */
  runtime: string;
  /** Of the warm instances, and of sandboxes and leases that do not say otherwise. */
  resources: Resources;
  /** Of leases that do not say otherwise: reclaimed when no command ran in it for so long; 0: never. */
  leaseTtl: number;
  /** How many boots run side by side. */
  bootConcurrency: number;
  /** A boot, warm-up included, that takes longer is destroyed and counted as failed. */
  bootTimeout: number;
}

/**
 *     active  -- stop -->  stopped: keeps nothing warm; claims still boot, and leave nothing behind
 *     active, stopped  -- drain -->  drained: refuses claims, too
 *     stopped, drained  -- start -->  active
 */
export type PoolState = 'active' | 'stopped' | 'drained';

/** One row of `pool status`. */
export interface PoolShapeStatus {
  pool: string;
  /** shapeKey(); empty for a warm entry whose image is not here, `breaker` says why. */
  shape: string;
  /** A reference that people know, for the image of the shape. */
  image: string;
  /** Absent where there is no shape. */
  bootedWith?: ShapeSummary;
  max: number;
  /** How many idle ones are kept, from the warm entries. */
  warm: number;
  /** Paused ones count as idle. */
  idle: number;
  claimed: number;
  booting: number;
  stopping: number;
  waiting: number;
  hits: number;
  misses: number;
  /** Idle ones that the pool ended: for room, for their age, or because they are not needed. */
  evicted: number;
  /** Why boots of this shape are refused, while they are. */
  breaker?: string;
  /** Claim time at the median and the 99th percentile, milliseconds; undefined before the first claim. */
  p50?: number;
  p99?: number;
}

/** How a pool stands as a whole. */
export interface PoolTotals {
  idle: number;
  claimed: number;
  booting: number;
  stopping: number;
  waiting: number;
  /** Bytes of the budget that are taken. */
  memory: number;
  /** capacity.min as the autoscaler has it now. */
  min: number;
}

/** What people see of one pool. */
export interface PoolInfo extends PoolTotals {
  name: string;
  state: PoolState;
  /** With every default filled in. */
  policy: PoolPolicy;
  /** Milliseconds since the epoch. */
  createdAt: number;
}

/** One living instance of a pool. */
export interface PoolInstance {
  id: string;
  shape: string;
  image: string;
  state: 'idle' | 'paused' | 'claimed' | 'stopping';
  /** PID 1 of the instance, as the node sees it. */
  pid: number;
  /** Milliseconds for which it has been in its state. */
  age: number;
  /** `sandbox NAMESPACE/NAME`, `lease ID`, or `run` for a one-shot run; absent while nobody has it. */
  holder?: string;
}

export interface PoolDetails extends PoolInfo {
  shapes: PoolShapeStatus[];
  /** Oldest first. */
  instances: PoolInstance[];
}

/** A claimed instance that somebody keeps for further commands. */
export interface Lease {
  id: string;
  pool: string;
  image: string;
  instance: string;
  /** An idle instance served it. */
  warm: boolean;
  /** Milliseconds since the epoch. */
  createdAt: number;
  /** Reclaimed when no command ran in it for so many milliseconds; 0: never. */
  ttl: number;
  /** How many commands run in it now. */
  running: number;
  /** As it was asked for. */
  label?: string;
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

export type ClaimResult = 'hit' | 'miss' | 'timeout' | 'rejected' | 'failed';

/** What a pool tells its metrics while it works. Times in milliseconds. None of it may throw. */
export interface PoolMeter {
  /** `timeout`: none in time; `rejected`: refused at once (full, closed, on_empty fail); `failed`: boot, cancelled. */
  claim(result: ClaimResult, ms: number): void;
  /** Of a claim that had to wait, however it ended. */
  waited(ms: number): void;
  booted(shape: string, ms: number): void;
  /** `reason` is an error code. */
  bootFailed(shape: string, reason: string): void;
  /** `cause` is one of a few words: room, ttl, max_age, surplus... */
  evicted(cause: string): void;
}
