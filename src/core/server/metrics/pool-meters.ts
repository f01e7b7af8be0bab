import { Counter, Histogram, type Registry } from 'prom-client';
import { type ErrorCode, errorCodes } from '../../model/failure/errors.ts';
import type { ClaimResult, PoolMeter } from '../../model/pool/pool.ts';
import { BoundedLabel } from './bounded-label.ts';

const RESULTS: readonly ClaimResult[] = ['hit', 'miss', 'timeout', 'rejected', 'failed'];
/** Far more than a machine has memory for, and few enough for whoever gathers them. */
const MOST_POOLS = 256;
const MOST_SHAPES = 256;
const MOST_CAUSES = 32;
/** Of the evictions and the failed boots that there are in any pool; others begin when they happen. */
const CAUSES = ['room', 'surplus', 'ttl', 'max_age'];
const REASONS: readonly ErrorCode[] = ['run_failed', 'timeout'];

// A hit takes a fraction of a millisecond, a miss a boot, and a wait up to the deadline.
const CLAIM_SECONDS = [
  ...[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
  ...[1, 2.5, 5, 10, 30],
];
const WAIT_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const BOOT_SECONDS = [0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export interface PoolMeters {
  /**
   * Of one pool: what it tells while it works. Its counters are there from now on, at 0: whoever reads rates sees no rise
   * in a counter that begins with its first event.
   */
  pool(name: string): PoolMeter;
  /** The same for the counters of these shapes. */
  begin(shapes: Iterable<string>): void;
  /** Forgets what was measured of pools and shapes that are no more. */
  keepOnly(pools: ReadonlySet<string>, shapes: ReadonlySet<string>): void;
}

/** Everything that pools count, in this registry. */
export function poolMeters(registry: Registry): PoolMeters {
  const metrics = claimMetrics(registry);
  const { claims, claimSeconds, waitSeconds, bootSeconds, bootFailures, evictions } = metrics;
  const pools = new BoundedLabel(MOST_POOLS);
  const shapes = new BoundedLabel(MOST_SHAPES);
  const causes = new BoundedLabel(MOST_CAUSES);
  for (const cause of CAUSES) evictions.inc({ cause: causes.of(cause) }, 0);
  return {
    pool(name) {
      for (const result of RESULTS) claims.inc({ pool: pools.of(name), result }, 0);
      return {
        claim(result, ms) {
          const labels = { pool: pools.of(name), result };
          claims.inc(labels);
          claimSeconds.observe(labels, ms / 1000);
        },
        waited: (ms) => waitSeconds.observe(ms / 1000),
        booted: (shape, ms) => bootSeconds.observe({ shape: shapes.of(shape) }, ms / 1000),
        bootFailed: (shape, reason) => bootFailures.inc({ shape: shapes.of(shape), reason }),
        evicted: (cause) => evictions.inc({ cause: causes.of(cause) }),
      };
    },
    begin(living) {
      for (const shape of living)
        for (const reason of REASONS) bootFailures.inc({ shape: shapes.of(shape), reason }, 0);
    },
    keepOnly(livingPools, livingShapes) {
      for (const pool of pools.keep(livingPools))
        for (const result of RESULTS) {
          claims.remove({ pool, result });
          claimSeconds.remove({ pool, result });
        }
      for (const shape of shapes.keep(livingShapes)) {
        bootSeconds.remove({ shape });
        for (const reason of Object.keys(errorCodes)) bootFailures.remove({ shape, reason });
      }
    },
  };
}

function claimMetrics(registry: Registry) {
  const registers = [registry];
  return {
    claims: new Counter({
      name: 'fsb_pool_claims_total',
      help: 'Claims, by how they ended.',
      labelNames: ['pool', 'result'],
      registers,
    }),
    claimSeconds: new Histogram({
      name: 'fsb_pool_claim_seconds',
      help: 'Time from the request of an instance to its end, whatever it was.',
      labelNames: ['pool', 'result'],
      buckets: CLAIM_SECONDS,
      registers,
    }),
    waitSeconds: new Histogram({
      name: 'fsb_pool_wait_seconds',
      help: 'Time that claims spent in the queue, of those that had to wait.',
      buckets: WAIT_SECONDS,
      registers,
    }),
    bootSeconds: new Histogram({
      name: 'fsb_pool_boot_seconds',
      help: 'Time from the begin of a boot to an instance that is ready.',
      labelNames: ['shape'],
      buckets: BOOT_SECONDS,
      registers,
    }),
    bootFailures: new Counter({
      name: 'fsb_pool_boot_failures_total',
      help: 'Boots that failed, by error code.',
      labelNames: ['shape', 'reason'],
      registers,
    }),
    evictions: new Counter({
      name: 'fsb_pool_evictions_total',
      help: 'Idle instances that pools ended.',
      labelNames: ['cause'],
      registers,
    }),
  };
}
