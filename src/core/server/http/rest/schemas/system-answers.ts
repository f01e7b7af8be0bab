import { z } from 'zod';
import { type ErrorCode, errorCodes } from '../../../../model/failure/errors.ts';
import type { CoreView } from '../../../../view/core-view.ts';
import type { HealthView } from '../../../../view/health-view.ts';
import type { LogUsageView, SystemUsageView } from '../../../../view/usage-view.ts';
import { answer, list } from './components.ts';
import { time } from './sandbox-answers.ts';

export const info = answer(
  'Info',
  z.strictObject({
    ...{ version: z.string(), node: z.string(), pid: z.int(), root: z.string(), runtime: z.string() },
    ...{ cgroups: z.string(), http: z.string().nullable(), metrics: z.string().nullable(), started_at: time },
    ...{ cpus: z.int().nullable(), memory_bytes: z.int().nullable(), kernel: z.string().nullable() },
    ...{ system: z.string().nullable(), architecture: z.string().nullable(), log_bytes: z.int() },
  }) satisfies z.ZodType<CoreView>,
);

const setAsides = z.array(z.strictObject({ path: z.string(), size_bytes: z.int() }));

export const health = answer(
  'Health',
  z.strictObject({
    records: z.strictObject({
      ...{ count: z.int(), size_bytes: z.int() },
      failure: z.strictObject({ at: time, message: z.string(), over: z.boolean() }).nullable(),
    }),
    set_aside: setAsides,
    logs_bytes: z.int(),
    damaged_logs: z.array(z.string()),
    disk: z.strictObject({ free_bytes: z.int(), total_bytes: z.int() }),
    recovery: z.strictObject({
      ...{ running: z.int(), leases: z.int(), idle: z.int(), files: z.int() },
      ...{ destroyed: z.int(), lost: z.int(), failed: z.int() },
    }),
    unsettled: z.array(
      z.strictObject({ instance: z.string(), sandbox_id: z.string().nullable(), reason: z.string() }),
    ),
    stuck: z.array(z.string()),
  }) satisfies z.ZodType<HealthView>,
);

const logUsage = answer(
  'LogUsage',
  z.strictObject({
    ...{ sandbox_id: z.string(), size_bytes: z.int() },
    deleted: z.strictObject({ namespace: z.string(), name: z.string(), at: time }).nullable(),
  }) satisfies z.ZodType<LogUsageView>,
);
export const retainedLogs = list('LogUsageList', logUsage);

export const usage = answer(
  'SystemUsage',
  z.strictObject({
    images: z.strictObject({ size_bytes: z.int(), reclaimable_bytes: z.int(), leftovers_bytes: z.int() }),
    instances: z.array(
      z.strictObject({
        ...{ id: z.string(), pool: z.string(), sandbox_id: z.string().nullable() },
        holder: z.enum(['sandbox', 'files', 'lease', 'run', 'idle', 'nobody']),
        ...{ files_bytes: z.int(), memory_bytes: z.int() },
      }),
    ),
    logs: z.array(logUsage),
    records: z.strictObject({ count: z.int(), size_bytes: z.int() }),
    set_aside: setAsides,
    trash_bytes: z.int(),
  }) satisfies z.ZodType<SystemUsageView>,
);

export const removedSetAside = answer('SetAsideList', z.strictObject({ items: setAsides }));

/** Of all kinds: what is there depends on `kind` and `type`. */
export const event = answer(
  'Event',
  z.looseObject({
    ...{ seq: z.int(), time, kind: z.enum(['sandbox', 'image', 'pool']), type: z.string() },
  }),
);

export const failure = answer(
  'Error',
  z.strictObject({
    error: z.strictObject({
      code: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]),
      message: z.string(),
      hint: z.string().optional(),
    }),
  }),
);
