import { z } from 'zod';
import { FsbError } from '../failure/errors.ts';
import { specFlags, withFlag } from '../failure/flag-names.ts';
import { describeIssues } from '../failure/issues.ts';
import { DEFAULT_POOL, isName } from '../ids.ts';
import { parseDuration, parseMemory, parseSize, wholeDuration } from '../quantity.ts';
import { assertSize } from './spec-size.ts';

/** The sandbox spec: the same on the command line, in YAML, in gRPC and in REST; snake_case as users write it. */

/** Milliseconds, of a text like `90s` or of a number of seconds. */
export const duration = z
  .union([z.string(), z.number().nonnegative()])
  .transform((value, ctx) =>
    rescue(ctx, () => (typeof value === 'number' ? wholeDuration(value * 1000) : parseDuration(value))),
  );

/** Later ones are no dates. */
export const unixSeconds = z.number().int().nonnegative().max(8_640_000_000_000);

const size = z
  .union([z.string(), z.number().int().positive()])
  .transform((value, ctx) => rescue(ctx, () => (typeof value === 'number' ? value : parseSize(value))));

export const failurePolicy = z.string().transform((value, ctx) => {
  const word = value.toLowerCase().replaceAll(/[-_]/g, '');
  if (word === 'manual') return 'Manual' as const;
  if (word === 'auto' || word === 'autorecreate') return 'AutoRecreate' as const;
  ctx.addIssue({
    code: 'custom',
    message: `unknown failure policy ${JSON.stringify(value)}; use Manual or AutoRecreate`,
  });
  return z.NEVER;
});

const nul = (text: string): boolean => !text.includes('\0');
export const text = z.string().refine(nul, 'must not contain a NUL byte');

export const labelKey = text.regex(
  /^[A-Za-z0-9]([-A-Za-z0-9_./]{0,61}[A-Za-z0-9])?$/,
  'not a valid label key',
);

/** A smaller file system has no room for anything; what makes a larger one is slow, and takes room itself. Bytes. */
export const LEAST_DISK = 16 * 1024 ** 2;
export const MOST_DISK = 1024 ** 4;

export const memory = z
  .union([z.string(), z.number().int().positive()])
  .transform((value, ctx) => rescue(ctx, () => parseMemory(value)));

/** What is left out is the pool's. */
export const resources = z.strictObject({
  cpus: z.number().positive('must be more than 0').max(1024, 'must be at most 1024').optional(),
  memory: memory.optional(),
  pids: z.number().int().positive().optional(),
  disk: size
    .pipe(z.number().min(LEAST_DISK, 'must be at least 16m').max(MOST_DISK, 'must be at most 1t'))
    .optional(),
});

const mount = z.strictObject({
  source: text.startsWith('/', 'must be an absolute path'),
  target: text.startsWith('/', 'must be an absolute path'),
  read_only: z.boolean().default(true),
});

const NETWORKS = 'must be none or host: there is no bridge, and "port-forward" reaches what listens inside';

export const sandboxSpecSchema = z.strictObject({
  image: text.min(1),
  command: z.array(text).default([]),
  args: z.array(text).default([]),
  envs: z.record(text.regex(/^[^=]+$/, 'a name must not be empty or contain ='), text).default({}),
  working_dir: text.default(''),
  user: text.default(''),
  tty: z.boolean().default(false),
  stdin: z.boolean().default(false),
  pool_ref: z.string().refine(isName, 'not a valid pool name').default(DEFAULT_POOL),
  exposed_ports: z
    .array(z.number().int().min(1).max(65_535))
    .refine((ports) => new Set(ports).size === ports.length, 'a port is named twice')
    .default([]),
  consistency_mode: z.enum(['fast', 'strong']).default('fast'),
  failure_policy: failurePolicy.default('Manual'),
  recovery_timeout_seconds: z.number().int().nonnegative().default(60),
  /** Unix seconds; 0 is never. */
  expire_time: unixSeconds.default(0),
  ttl: duration.pipe(z.number().positive('must be longer than 0')).optional(),
  labels: z.record(labelKey, text).default({}),
  resources: resources.prefault({}),
  network: z.enum(['none', 'host'], NETWORKS).default('none'),
  mounts: z.array(mount).default([]),
  grace_period: duration.default(10_000),
});

/** A validated spec with every default filled in but the resources; durations in milliseconds, sizes in bytes. */
export type SandboxSpec = z.output<typeof sandboxSpecSchema>;
/** What a user may write: everything but `image` may be left out. */
export type SandboxSpecInput = z.input<typeof sandboxSpecSchema>;

/**
 * Checks what a user wrote, wherever it came from.
 * @throws invalid_argument that names every wrong key and value, with a did-you-mean for unknown keys; or it is too long
 */
export function parseSpec(input: unknown): SandboxSpec {
  const result = sandboxSpecSchema.safeParse(input);
  if (!result.success) throw specError(result.error.issues);
  if (result.data.ttl !== undefined && result.data.expire_time !== 0)
    throw new FsbError('invalid_argument', 'invalid sandbox spec: ttl and expire_time are both given', {
      hint: 'Give one of them.',
    });
  assertSize(result.data);
  return result.data;
}

/** Every key that a spec may have, nested ones with their section. */
export const specKeys: string[] = [
  ...Object.keys(sandboxSpecSchema.shape),
  ...Object.keys(resources.shape).map((key) => `resources.${key}`),
  ...Object.keys(mount.shape).map((key) => `mounts.${key}`),
];

function specError(issues: readonly z.core.$ZodIssue[]): FsbError {
  const { lines, ...rest } = describeIssues(issues, specKeys);
  const named = lines.map((line) => withFlag(line, specFlags));
  return new FsbError('invalid_argument', `invalid sandbox spec: ${named.join('; ')}`, rest);
}

function rescue<T>(ctx: z.RefinementCtx, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    ctx.addIssue({ code: 'custom', message: FsbError.from(error).message });
    return z.NEVER;
  }
}
