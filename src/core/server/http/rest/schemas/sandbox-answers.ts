import { z } from 'zod';
import { phases } from '../../../../model/sandbox/phase.ts';
import type { SandboxNewsView } from '../../../../view/news-view.ts';
import type { SandboxDetailsView, SandboxView } from '../../../../view/sandbox-view.ts';
import type { SandboxUsageView } from '../../../../view/usage-view.ts';
import { answer, asSent, list } from './components.ts';
import { spec } from './requests.ts';

export const time = z.string().meta({ format: 'date-time' });

const fields = {
  name: z.string(),
  namespace: z.string(),
  id: z.string(),
  generation: z.int(),
  phase: z.enum(phases),
  paused: z.boolean(),
  reason: z.string().nullable(),
  exit_code: z.int().nullable(),
  signal: z.string().nullable(),
  oom_killed: z.boolean(),
  image: z.string(),
  pool: z.string(),
  node: z.string(),
  endpoints: z.array(z.string()),
  labels: z.record(z.string(), z.string()),
  created_at: time,
  started_at: time.nullable(),
  ended_at: time.nullable(),
  expires_at: time.nullable(),
  recreate_at: time.nullable(),
  warm: z.boolean().nullable(),
  spec: asSent(spec),
  events: z.array(z.strictObject({ time, message: z.string() })),
};

export const sandbox = answer(
  'Sandbox',
  z.strictObject({ ...fields, log_bytes: z.int().nullable() }) satisfies z.ZodType<SandboxDetailsView>,
);

const listed = answer('ListedSandbox', z.strictObject(fields) satisfies z.ZodType<SandboxView>);

export const sandboxPage = answer(
  'SandboxPage',
  z.strictObject({
    items: z.array(listed),
    next_page_token: z.string().nullable().meta({ description: 'null: this is the last page.' }),
    revision: z.string().meta({ description: 'A watch from here on misses nothing.' }),
  }),
);

const ref = z.strictObject({ namespace: z.string(), name: z.string(), id: z.string() });

/** Of a watch: first what there is, then `complete`, then what changes. */
export const sandboxNews = answer(
  'SandboxNews',
  z.union([
    z.strictObject({ revision: z.string(), sandbox: listed }),
    z.strictObject({ revision: z.string(), removed: ref }),
    z.strictObject({ revision: z.string(), complete: z.literal(true) }),
  ]) satisfies z.ZodType<SandboxNewsView>,
);

export const exit = answer(
  'Exit',
  z.strictObject({
    name: z.string(),
    namespace: z.string(),
    exit_code: z.int().meta({ description: "The command's, or 128 + its signal." }),
    signal: z.string().nullable(),
    oom_killed: z.boolean(),
  }),
);

export const sandboxUsage = answer(
  'SandboxUsage',
  z.strictObject({
    ...{ name: z.string(), namespace: z.string(), id: z.string(), time },
    ...{ cpu_micros: z.number(), memory_bytes: z.int(), pids: z.int() },
    limits: z.strictObject({ cpus: z.number(), memory_bytes: z.int(), pids: z.int() }),
  }) satisfies z.ZodType<SandboxUsageView>,
);

export const sandboxUsages = list('SandboxUsageList', sandboxUsage);
