import { z } from 'zod';

// What the records of the ledger must have so that nobody stumbles over them; more is fine.

const texts = z.array(z.string());
const textMap = z.record(z.string(), z.string());
const resources = z.looseObject({
  ...{ cpus: z.number(), memory: z.number(), pids: z.number() },
  disk: z.number().optional(),
});

const shape = z.looseObject({
  ...{ image: z.string(), runtime: z.string(), network: z.string(), resources },
  mounts: z.array(z.looseObject({ source: z.string(), target: z.string(), readOnly: z.boolean() })),
  again: z.string().optional(),
});

const surroundings = z.looseObject({ env: textMap, cwd: z.string(), user: z.string() });
const lease = z.looseObject({
  ...{ id: z.string(), image: z.string(), warm: z.boolean(), createdAt: z.number(), ttl: z.number() },
  ...{ label: z.string().optional(), surroundings },
});

const use = z.discriminatedUnion('by', [
  z.looseObject({ by: z.literal('sandbox'), sandboxId: z.string().min(1) }),
  z.looseObject({
    ...{ by: z.literal('files'), sandboxId: z.string().min(1), logOf: z.string().min(1).optional() },
  }),
  z.looseObject({ by: z.literal('lease'), lease }),
  z.looseObject({ by: z.enum(['run', 'nobody']) }),
]);

const instanceSchema = z.looseObject({ shape, pool: z.string(), use: use.optional() });

const status = z.looseObject({ code: z.number().nullable(), signal: z.number().nullable() });

const offsets = z.looseObject({ stdout: z.number(), stderr: z.number() });
const said = { said: offsets.optional() };

const slotSchema = z.looseObject({
  ...{ claimName: z.string(), instance: z.string(), startedAt: z.number() },
  logBegin: offsets.optional(),
  process: surroundings.extend({ argv: texts, tty: z.boolean(), stdin: z.boolean() }),
  given: z.looseObject({ resources, labels: textMap, exposed_ports: z.array(z.number()) }).optional(),
  ...{
    stopSignal: z.number().optional(),
    earlierKills: z.number().optional(),
    paused: z.literal(true).optional(),
    resized: z.literal(true).optional(),
    stdinOnce: z.literal(true).optional(),
  },
  end: z
    .discriminatedUnion('kind', [
      z.looseObject({ kind: z.literal('exited'), at: z.number(), status, ...said }),
      z.looseObject({ kind: z.literal('lost'), at: z.number(), reason: z.string(), ...said }),
    ])
    .optional(),
});

export const isInstanceRecord = (value: unknown): boolean => instanceSchema.safeParse(value).success;
export const isSlotRecord = (value: unknown): boolean => slotSchema.safeParse(value).success;
