import { z } from 'zod';

// What a record must have so that nobody stumbles over it; more is fine. It is no second validation of the spec: that
// was made before the record was.

const texts = z.array(z.string());
const textMap = z.record(z.string(), z.string());
const status = z.looseObject({ code: z.number().nullable(), signal: z.number().nullable() });

const [time, reason] = [z.number(), z.string()];
const begun = { startedAt: time.optional() };
const end = { ...begun, status: status.optional(), reason: reason.optional() };
const state = z.discriminatedUnion('phase', [
  z.looseObject({ phase: z.enum(['Pending', 'Bound']) }),
  z.looseObject({ phase: z.literal('Running'), startedAt: time, paused: z.literal(true).optional() }),
  z.looseObject({ phase: z.literal('Exited'), startedAt: time, endedAt: time, status }),
  z.looseObject({ phase: z.literal('Failed'), ...begun, endedAt: time, reason, status: status.optional() }),
  z.looseObject({ phase: z.literal('Expired'), endedAt: time, ...end }),
  z.looseObject({
    ...{ phase: z.literal('Lost'), ...begun, since: time, reason },
    ...{ recreateAt: time.optional(), recreateEnd: time.optional() },
  }),
  z.looseObject({ phase: z.literal('Terminating'), since: time, ...end }),
]);

const sandboxSchema = z.looseObject({
  ...{ id: z.string().min(1), namespace: z.string(), name: z.string(), generation: z.number() },
  ...{ node: z.string(), endpoints: texts, createdAt: z.number(), expiresAt: z.number() },
  spec: z.looseObject({
    ...{ image: z.string(), command: texts, args: texts, envs: textMap, labels: textMap },
    ...{ exposed_ports: z.array(z.number()), mounts: z.array(z.looseObject({})) },
    ...{ resources: z.looseObject({}), grace_period: z.number(), pool_ref: z.string() },
  }),
  state,
  ...{ idempotencyKey: z.string().optional(), requestDigest: z.string().optional() },
  ...{ createdAs: z.string().optional(), recreated: z.number().optional() },
  ...{ began: z.number().optional(), resetRevision: z.string().optional() },
  ...{ earlierIds: texts.optional(), autoRemove: z.literal(true).optional() },
  detached: z.literal(true).optional(),
  previous: z.looseObject({ id: z.string(), files: z.boolean(), lost: reason.optional() }).optional(),
  events: z.array(z.looseObject({ time: z.number(), message: z.string() })),
});

export const isSandboxRecord = (value: unknown): boolean => sandboxSchema.safeParse(value).success;
