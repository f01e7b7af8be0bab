import { z } from 'zod';
import { FsbError } from '../failure/errors.ts';
import { withFlag } from '../failure/flag-names.ts';
import { describeIssues } from '../failure/issues.ts';
import { DEFAULT_POOL, isName } from '../ids.ts';
import { parseDuration, parseSize } from '../quantity.ts';
import type { NodeLimits } from '../sandbox/node-limits.ts';
import { defaultResources } from '../sandbox/shape.ts';
import { LEAST_DISK, MOST_DISK, memory } from '../sandbox/spec.ts';
import type { PoolPolicy } from './pool.ts';
import { beyondNode, contradictions, DEFAULT_SIZE, policyFlags } from './pool-policy-problems.ts';

/** The policy of a pool: the same in YAML, on the command line and on the wire; snake_case as users write it. */

/** What the machine has; the defaults of a policy depend on it. */
export interface NodeSize extends NodeLimits {
  /** Bytes. */
  memory: number;
}

const DEFAULT_MEMORY_SHARE = 0.8;

/** Numbers are seconds. */
const durationOrNever = z
  .union([z.string(), z.number().nonnegative()])
  .transform((value, ctx) =>
    parsed(ctx, () => (typeof value === 'number' ? value * 1000 : parseDuration(value))),
  );

const duration = durationOrNever.pipe(z.number().positive('must be longer than 0'));

const size = z
  .union([z.string(), z.number().int().positive()])
  .transform((value, ctx) => parsed(ctx, () => (typeof value === 'number' ? value : parseSize(value))))
  .pipe(z.number().positive('must be more than 0'));

/** 0 takes a limit away that was said before. */
const diskSize = z
  .union([z.string(), z.number().int().nonnegative()])
  .transform((value, ctx) => parsed(ctx, () => (typeof value === 'number' ? value : parseSize(value))))
  .refine((bytes) => bytes === 0 || bytes >= LEAST_DISK, 'must be at least 16m, or 0 for no limit')
  .refine((bytes) => bytes <= MOST_DISK, 'must be at most 1t');

const count = z.number().int().nonnegative();
const atLeastOne = z.number().int().min(1, 'must be at least 1');
const rate = z.number().min(0, 'must be from 0 to 1').max(1, 'must be from 0 to 1');

const warmEntry = z.strictObject({
  image: z.string().min(1, 'must name an image'),
  /** Left out: `size`. */
  count: count.optional(),
});

const capacity = z.strictObject({
  min: count.default(0),
  max: atLeastOne.default(8),
  buffer_min: count.default(1),
  buffer_max: count.default(4),
});

const queue = z.strictObject({ length: atLeastOne.default(1024), timeout: duration.default(30_000) });
const health = z.strictObject({
  interval: durationOrNever.default(30_000),
  timeout: duration.default(500),
});

const autoscale = z.strictObject({
  enabled: z.boolean().default(false),
  up: rate.default(0.3),
  down: rate.default(0.05),
  window: duration.default(120_000),
  cooldown: durationOrNever.default(60_000),
  max_step: atLeastOne.default(4),
});

const resources = z.strictObject({
  cpus: z
    .number()
    .positive('must be more than 0')
    .max(1024, 'must be at most 1024')
    .default(defaultResources.cpus),
  memory: memory.default(defaultResources.memory),
  pids: atLeastOne.default(defaultResources.pids),
  disk: diskSize.optional(),
});

export const policySchema = z.strictObject({
  name: z.string().refine(isName, 'is not a valid pool name'),
  /** The count of the warm entries that say none. */
  size: count.optional(),
  warm: z.array(warmEntry).default([]),
  capacity: capacity.prefault({}),
  memory_budget: size.optional(),
  ttl: durationOrNever.default(300_000),
  max_age: durationOrNever.default(0),
  on_empty: z.enum(['boot', 'wait', 'fail']).default('boot'),
  queue: queue.prefault({}),
  reuse: z.enum(['one-shot', 'sticky']).default('one-shot'),
  pause_idle: z.boolean().default(false),
  health: health.prefault({}),
  warmup: z
    .array(z.string())
    .refine((argv) => argv[0] !== '', 'must begin with the name of a command')
    .default([]),
  autoscale: autoscale.prefault({}),
  runtime: z.string().min(1).default('auto'),
  resources: resources.prefault({}),
  lease_ttl: durationOrNever.default(3_600_000),
  boot_concurrency: atLeastOne.optional(),
  boot_timeout: duration.default(30_000),
});

/** What a user may write: everything but `name` may be left out. */
export type PoolPolicyInput = z.input<typeof policySchema>;

const sections = { warm: warmEntry, capacity, queue, health, autoscale, resources };

/** Every key that a policy may have, nested ones with their section. */
export const policyKeys: string[] = [
  ...Object.keys(policySchema.shape),
  ...Object.entries(sections).flatMap(([section, { shape }]) =>
    Object.keys(shape).map((key) => `${section}.${key}`),
  ),
];

/**
 * Checks what a user wrote.
 * @throws invalid_argument that names every wrong key and value, and for a contradiction both values and their flags
 */
export function parsePolicy(input: unknown, node: NodeSize): PoolPolicy {
  const said = readPolicy(input);
  const policy = withDefaults(said, node);
  const problems = [...contradictions(policy, said), ...beyondNode(policy, node)];
  if (problems.length > 0)
    throw new FsbError('invalid_argument', `invalid policy of pool ${policy.name}: ${problems.join('; ')}`);
  return policy;
}

/**
 * The part of parsePolicy that needs no node: every key and value by itself.
 * @throws invalid_argument that names every wrong key and value
 */
export function readPolicy(input: unknown): ParsedPolicy {
  const result = policySchema.safeParse(input);
  if (result.success) return result.data;
  const { lines, ...rest } = describeIssues(result.error.issues, policyKeys);
  const named = lines.map((line) => withFlag(line, policyFlags));
  throw new FsbError('invalid_argument', `invalid pool policy: ${named.join('; ')}`, rest);
}

/** A change over what was said before: nested keys one by one, lists as a whole. Nothing is checked here. */
export function mergePolicy(said: PoolPolicyInput, change: Partial<PoolPolicyInput>): PoolPolicyInput {
  const merged: Record<string, unknown> = { ...said };
  for (const [key, value] of Object.entries(change)) {
    if (value === undefined) continue;
    merged[key] = isSection(value) && isSection(merged[key]) ? { ...merged[key], ...value } : value;
  }
  return merged as PoolPolicyInput;
}

const isSection = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What the pool that is there from the start is made of: two warm `host` instances, fewer where memory is short. What
 * the user says comes before that.
 */
export function defaultPolicyInput(node: NodeSize, said: Partial<PoolPolicyInput> = {}): PoolPolicyInput {
  const fitting = Math.floor((node.memory * DEFAULT_MEMORY_SHARE) / defaultResources.memory);
  // The budget must hold one instance of the default size, or a small machine could run no sandbox at all.
  const memoryBudget = fitting === 0 ? { memory_budget: defaultResources.memory } : {};
  const few = fitting < DEFAULT_SIZE ? { size: 1 } : {};
  return mergePolicy({ name: DEFAULT_POOL, warm: [{ image: 'host' }], ...memoryBudget, ...few }, said);
}

/** defaultPolicyInput(), checked. */
export const defaultPolicy = (node: NodeSize, said: Partial<PoolPolicyInput> = {}): PoolPolicy =>
  parsePolicy(defaultPolicyInput(node, said), node);

type ParsedPolicy = z.output<typeof policySchema>;

function withDefaults(input: ParsedPolicy, node: NodeSize): PoolPolicy {
  const { min, max, buffer_min: bufferMin, buffer_max: bufferMax } = input.capacity;
  const { max_step: maxStep, ...scaling } = input.autoscale;
  const { cpus, memory, pids, disk = 0 } = input.resources;
  return {
    name: input.name,
    warm: input.warm.map(({ image, count: said }) => ({ image, count: said ?? input.size ?? DEFAULT_SIZE })),
    capacity: { min, max, bufferMin, bufferMax },
    memoryBudget: input.memory_budget ?? Math.floor(node.memory * DEFAULT_MEMORY_SHARE),
    ttl: input.ttl,
    maxAge: input.max_age,
    onEmpty: input.on_empty,
    queue: input.queue,
    reuse: input.reuse,
    pauseIdle: input.pause_idle,
    health: input.health,
    warmup: input.warmup,
    autoscale: { ...scaling, maxStep },
    runtime: input.runtime,
    resources: { cpus, memory, pids, ...(disk > 0 && { disk }) },
    leaseTtl: input.lease_ttl,
    bootConcurrency: input.boot_concurrency ?? 2 * node.cores,
    bootTimeout: input.boot_timeout,
  };
}

function parsed<T>(ctx: z.RefinementCtx, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    ctx.addIssue({ code: 'custom', message: FsbError.from(error).message });
    return z.NEVER;
  }
}
