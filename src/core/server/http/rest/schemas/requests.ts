import { z } from 'zod';
import { FsbError } from '../../../../model/failure/errors.ts';
import { DEFAULT_NAMESPACE } from '../../../../model/ids.ts';
import { policySchema } from '../../../../model/pool/pool-policy.ts';
import { parseSignal } from '../../../../model/process.ts';
import {
  duration,
  failurePolicy,
  labelKey,
  resources,
  sandboxSpecSchema,
  text,
} from '../../../../model/sandbox/spec.ts';
import { request } from './components.ts';

/** Bodies. Durations are texts like `90s`, or seconds; sizes are texts like `512m`, or bytes. */

export const spec = request('SandboxSpec', sandboxSpecSchema);
export const policy = request('PoolPolicy', policySchema);

const size = z
  .strictObject({ rows: z.int().nonnegative(), cols: z.int().nonnegative() })
  .optional()
  .meta({ description: 'What its terminal begins with, if it has one; left out: 24 rows of 80 columns.' });

export const startTerms = request('StartTerms', z.strictObject({ size }).default({}));

export const newSandbox = request(
  'NewSandbox',
  z.strictObject({
    namespace: z.string().default(DEFAULT_NAMESPACE),
    name: z.string().default('').meta({ description: 'Left out: sb- and random digits.' }),
    spec,
    image_digest: z
      .string()
      .optional()
      .meta({ description: 'Of the image that spec.image is to be, whatever that name means by now.' }),
    auto_remove: z.boolean().default(false).meta({
      description:
        'It is deleted once its command has ended and nobody has been attached, or read its log, for ten seconds.',
    }),
    detached: z.boolean().optional().meta({
      description:
        'True, with auto_remove: nobody will attach, so it is deleted as soon as its command has ended. False: its creator attaches at once, and for ten seconds it is held back for that before it has said more than its log keeps.',
    }),
    size,
  }),
);

const signal = z
  .union([z.string(), z.number()])
  .transform((value, ctx) => {
    try {
      return parseSignal(String(value));
    } catch (error) {
      ctx.addIssue({ code: 'custom', message: FsbError.from(error).message });
      return z.NEVER;
    }
  })
  .meta({ description: 'A name like SIGTERM, or a number from 1 to 64.' });

const grace = duration.optional().meta({ description: 'Left out: grace_period of the spec.' });

const ending = { grace, stop_signal: signal.optional() };

export const stopTerms = request('StopTerms', z.strictObject(ending).default({}));

export const resetTerms = request(
  'ResetTerms',
  z
    .strictObject({
      ...ending,
      revision: z
        .string()
        .optional()
        .meta({ description: 'The one that the last reset had changes nothing; left out: always resets.' }),
    })
    .default({}),
);

export const signalTerms = request('SignalTerms', z.strictObject({ signal }));

export const renameTerms = request('RenameTerms', z.strictObject({ name: z.string() }));

export const sandboxChange = request(
  'SandboxChange',
  z.strictObject({
    expire_time: z.int().nonnegative().optional().meta({ description: 'Unix seconds; 0: never.' }),
    ttl: duration.optional().meta({ description: 'From now on; 0: never.' }),
    failure_policy: failurePolicy.optional().meta({ description: 'Manual or AutoRecreate.' }),
    recovery_timeout_seconds: z.int().nonnegative().optional(),
    labels: z
      .record(labelKey, text.nullable())
      .optional()
      .meta({ description: 'null takes a label off; those that are not named stay.' }),
    resources: resources.optional(),
    detached: z.literal(true).optional().meta({
      description:
        'Of one with auto_remove: whoever has created it has left it, so it is deleted as soon as its command has ended.',
    }),
  }),
);

export const poolChange = request(
  'PoolChange',
  z.strictObject({
    policy: policySchema.omit({ name: true }).partial().optional(),
    start: z.boolean().optional().meta({ description: 'Makes a stopped or drained pool active again.' }),
    reset: z.boolean().optional().meta({ description: 'Closes every circuit breaker.' }),
    pressure: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .meta({ description: 'For the autoscaler, while it is fresh.' }),
  }),
);

const timeout = duration.optional().meta({ description: 'Left out: one minute.' });
export const poolStopTerms = request('PoolStopTerms', z.strictObject({ timeout }).default({}));
export const poolDrainTerms = request(
  'PoolDrainTerms',
  z
    .strictObject({
      timeout,
      force: z.boolean().optional().meta({ description: 'At the deadline, end what is still claimed.' }),
    })
    .default({}),
);

export const newLease = request(
  'NewLease',
  z.strictObject({
    pool: z.string(),
    image: z.string().optional(),
    image_digest: z.string().optional(),
    resources: resources.optional(),
    network: sandboxSpecSchema.shape.network.unwrap().optional(),
    mounts: sandboxSpecSchema.shape.mounts.unwrap().optional(),
    on_empty: z.enum(['boot', 'wait', 'fail']).optional(),
    wait: duration.optional().meta({ description: 'For an instance; left out: queue.timeout of the pool.' }),
    ttl: duration.optional().meta({ description: 'Left out: lease_ttl of the pool; 0: never reclaimed.' }),
    label: z.string().optional(),
  }),
);

const credentials = z.strictObject({
  username: z.string().optional(),
  password: z.string().optional(),
  identity_token: z.string().optional(),
  registry_token: z.string().optional(),
});

export const pullTerms = request(
  'PullTerms',
  z.strictObject({
    reference: z.string(),
    platform: z.string().optional().meta({ description: "linux/arm64; left out: the machine's own." }),
    credentials: credentials.optional(),
  }),
);

export const saveTerms = request('SaveTerms', z.strictObject({ references: z.array(z.string()).min(1) }));

export const tagTerms = request('TagTerms', z.strictObject({ target: z.string() }));

export const pruneTerms = request(
  'PruneTerms',
  z
    .strictObject({
      all: z
        .boolean()
        .default(false)
        .meta({ description: 'Also those with a name, when nothing uses them.' }),
      older_than: duration.optional(),
      labels: z
        .record(z.string(), z.string().nullable())
        .optional()
        .meta({ description: 'null: whatever it is.' }),
      dry_run: z.boolean().default(false),
    })
    .default({ all: false, dry_run: false }),
);

export const loginTerms = request('LoginTerms', z.strictObject({ registry: z.string(), credentials }));

export const removeLogsTerms = request(
  'RemoveLogsTerms',
  z.strictObject({ sandbox_ids: z.array(z.string()) }),
);
