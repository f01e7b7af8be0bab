import { z } from 'zod';
import type { LeaseView } from '../../../../view/lease-view.ts';
import type { PoolShapeView, ShapeSummaryView } from '../../../../view/pool-shape-view.ts';
import type { PoolDetailsView, PoolView } from '../../../../view/pool-view.ts';
import { answer, asSent, list } from './components.ts';
import { policy } from './requests.ts';
import { time } from './sandbox-answers.ts';

const fields = {
  name: z.string(),
  state: z.enum(['active', 'stopped', 'drained']),
  created_at: time,
  idle: z.int(),
  claimed: z.int(),
  booting: z.int(),
  stopping: z.int(),
  waiting: z.int(),
  memory_bytes: z.int(),
  min: z.int(),
  policy: asSent(policy),
};

export const pool = answer('Pool', z.strictObject(fields) satisfies z.ZodType<PoolView>);
export const pools = list('PoolList', pool);

const shapeSummary = answer(
  'ShapeSummary',
  z.strictObject({
    ...{ runtime: z.string(), cpus: z.number(), memory_bytes: z.int(), pids: z.int() },
    ...{ disk_bytes: z.int().nullable(), network: z.enum(['none', 'host']), mounts: z.array(z.string()) },
    kept_files: z.boolean(),
  }) satisfies z.ZodType<ShapeSummaryView>,
);

const poolShape = answer(
  'PoolShape',
  z.strictObject({
    ...{ pool: z.string(), shape: z.string(), image: z.string(), booted_with: shapeSummary.nullable() },
    ...{ max: z.int(), warm: z.int(), idle: z.int() },
    ...{ claimed: z.int(), booting: z.int(), stopping: z.int(), waiting: z.int() },
    ...{ hits: z.int(), misses: z.int(), evicted: z.int(), hit_ratio: z.number().nullable() },
    ...{ p50_ms: z.number().nullable(), p99_ms: z.number().nullable(), breaker: z.string().nullable() },
  }) satisfies z.ZodType<PoolShapeView>,
);
export const poolShapes = list('PoolShapeList', poolShape);

export const poolDetails = answer(
  'PoolDetails',
  z.strictObject({
    ...fields,
    shapes: z.array(poolShape),
    instances: z.array(
      z.strictObject({
        ...{ id: z.string(), shape: z.string(), image: z.string() },
        state: z.enum(['idle', 'paused', 'claimed', 'stopping']),
        ...{ pid: z.int(), age_ms: z.number(), holder: z.string().nullable() },
      }),
    ),
  }) satisfies z.ZodType<PoolDetailsView>,
);

export const lease = answer(
  'Lease',
  z.strictObject({
    ...{ id: z.string(), pool: z.string(), image: z.string(), instance: z.string(), warm: z.boolean() },
    ...{ created_at: time, ttl_ms: z.number(), running: z.int() },
  }) satisfies z.ZodType<LeaseView>,
);
export const leases = list('LeaseList', lease);
