import { z } from 'zod';
import { FsbError } from '../model/errors.ts';
import { DEFAULT_POOL, isName } from '../model/ids.ts';
import type { PoolPolicy } from '../model/pool.ts';
import { formatSize, parseDuration, parseSize } from '../model/quantity.ts';
import { defaultResources } from '../model/shape.ts';
import { describeIssues } from '../model/spec.ts';

/** What the machine has; the defaults of a policy depend on it. */
export interface NodeSize {
  cores: number;
  /** Bytes. */
  memory: number;
}

const DEFAULT_MEMORY_SHARE = 0.8;

const duration = z
  .union([z.string(), z.number().nonnegative()])
  .transform((value, ctx) =>
    parsed(ctx, () => (typeof value === 'number' ? value * 1000 : parseDuration(value))),
  )
  .pipe(z.number().positive('must be longer than 0'));

const size = z
  .union([z.string(), z.number().int().positive()])
  .transform((value, ctx) => parsed(ctx, () => (typeof value === 'number' ? value : parseSize(value))))
  .pipe(z.number().positive('must be more than 0'));

const count = z.number().int().nonnegative();
const atLeastOne = z.number().int().min(1, 'must be at least 1');

const warmEntry = z.strictObject({
  image: z.string().min(1, 'must name an image'),
  count: atLeastOne.default(2),
});

const capacity = z.strictObject({
  min: count.default(0),
  max: atLeastOne.default(8),
  buffer_min: count.default(1),
  buffer_max: count.default(4),
});

const queue = z.strictObject({ length: atLeastOne.default(1024), timeout: duration.default(30_000) });
const health = z.strictObject({ timeout: duration.default(500) });

const resources = z.strictObject({
  cpus: z.number().positive('must be more than 0').max(1024).default(defaultResources.cpus),
  memory: size.pipe(z.number().min(6 * 1024 * 1024, 'must be at least 6m')).default(defaultResources.memory),
  pids: atLeastOne.default(defaultResources.pids),
});

const policySchema = z.strictObject({
  name: z.string().refine(isName, 'is not a valid pool name'),
  warm: z.array(warmEntry).default([]),
  capacity: capacity.prefault({}),
  memory_budget: size.optional(),
  on_empty: z.enum(['boot', 'wait', 'fail']).default('boot'),
  queue: queue.prefault({}),
  boot_concurrency: atLeastOne.optional(),
  boot_timeout: duration.default(30_000),
  health: health.prefault({}),
  resources: resources.prefault({}),
});

const keys = [policySchema, warmEntry, capacity, queue, health, resources].flatMap((s) =>
  Object.keys(s.shape),
);

/**
 * Checks what a user wrote, snake_case as in YAML.
 * @throws invalid_argument that names every wrong key and value, and for a contradiction both values
 */
export function parsePolicy(input: unknown, node: NodeSize): PoolPolicy {
  const result = policySchema.safeParse(input);
  if (!result.success) {
    const { lines, hint } = describeIssues(result.error.issues, keys);
    throw new FsbError('invalid_argument', `invalid pool policy: ${lines.join('; ')}`, { hint });
  }
  const policy = withDefaults(result.data, node);
  const problems = contradictions(policy, result.data.memory_budget === undefined);
  if (problems.length > 0)
    throw new FsbError('invalid_argument', `invalid policy of pool ${policy.name}: ${problems.join('; ')}`);
  return policy;
}

/**
 * The policy of the pool that is there from the start: two warm `host` instances, fewer where memory is short. What
 * the user says (keys as in YAML) comes before that.
 */
export function defaultPolicy(node: NodeSize, said: Record<string, unknown> = {}): PoolPolicy {
  const fitting = Math.floor((node.memory * DEFAULT_MEMORY_SHARE) / defaultResources.memory);
  // The budget must hold one instance of the default size, or a small machine could run no sandbox at all.
  const memoryBudget = fitting === 0 ? { memory_budget: defaultResources.memory } : {};
  const warm = [{ image: 'host', count: Math.max(1, Math.min(2, fitting)) }];
  return parsePolicy({ name: DEFAULT_POOL, warm, ...memoryBudget, ...said }, node);
}

function withDefaults(input: z.output<typeof policySchema>, node: NodeSize): PoolPolicy {
  const { min, max, buffer_min: bufferMin, buffer_max: bufferMax } = input.capacity;
  return {
    name: input.name,
    warm: input.warm,
    capacity: { min, max, bufferMin, bufferMax },
    memoryBudget: input.memory_budget ?? Math.floor(node.memory * DEFAULT_MEMORY_SHARE),
    onEmpty: input.on_empty,
    queue: input.queue,
    bootConcurrency: input.boot_concurrency ?? 2 * node.cores,
    bootTimeout: input.boot_timeout,
    healthTimeout: input.health.timeout,
    resources: input.resources,
  };
}

/** Values that are right each by itself but not together; every message names both. */
function contradictions(policy: PoolPolicy, budgetIsDefault: boolean): string[] {
  const { warm, memoryBudget, resources: each } = policy;
  const { min, max, bufferMin, bufferMax } = policy.capacity;
  const total = warm.reduce((sum, entry) => sum + entry.count, 0);
  const budget = `memory_budget ${formatSize(memoryBudget)}${budgetIsDefault ? ' (80 % of this machine)' : ''}`;
  const problems: string[] = [];
  if (min > max) problems.push(`capacity.min ${min} is greater than capacity.max ${max}`);
  if (bufferMin > bufferMax)
    problems.push(`capacity.buffer_min ${bufferMin} is greater than capacity.buffer_max ${bufferMax}`);
  if (total > max)
    problems.push(`the warm counts add up to ${total}, which is greater than capacity.max ${max}`);
  if (each.memory > memoryBudget)
    problems.push(`resources.memory ${formatSize(each.memory)} is greater than ${budget}`);
  else if (total * each.memory > memoryBudget)
    problems.push(`${total} warm instances of ${formatSize(each.memory)} take more than ${budget}`);
  const twice = warm.find((entry, index) => warm.findIndex((other) => other.image === entry.image) < index);
  if (twice !== undefined) problems.push(`warm names the image ${twice.image} twice`);
  return problems;
}

function parsed<T>(ctx: z.RefinementCtx, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    ctx.addIssue({ code: 'custom', message: FsbError.from(error).message });
    return z.NEVER;
  }
}
