import { type FlagNames, resourceFlags, named as withName } from '../failure/flag-names.ts';
import { formatDuration, formatSize } from '../quantity.ts';
import { beyondLimits, type NodeLimits } from '../sandbox/node-limits.ts';
import type { PoolPolicy } from './pool.ts';

/** The count of the warm entries that say none, when the policy says no `size`. */
export const DEFAULT_SIZE = 2;

/** The part of what a user wrote that a policy, with its defaults filled in, no longer shows. */
interface Said {
  size?: number;
  warm: { image: string; count?: number }[];
  memory_budget?: number;
}

/** Values that are right each by itself but not together; every message names both, and their flags. */
export function contradictions(policy: PoolPolicy, said: Said): string[] {
  const { warm, memoryBudget, resources: each, autoscale: scaling, health: look } = policy;
  const { min, max, bufferMin, bufferMax } = policy.capacity;
  const total = warm.reduce((sum, entry) => sum + entry.count, 0);
  const fromMachine = said.memory_budget === undefined ? ' (80 % of this machine)' : '';
  const budget = `${named('memory_budget')} ${formatSize(memoryBudget)}${fromMachine}`;
  const most = `${named('capacity.max')} ${max}`;
  const size = said.size ?? DEFAULT_SIZE;
  const problems: string[] = [];
  if (min > max) problems.push(`${named('capacity.min')} ${min} is greater than ${most}`);
  if (min > 0 && warm.length === 0)
    problems.push(`${named('capacity.min')} ${min} keeps nothing alive: ${named('warm')} names no image`);
  if (min * each.memory > memoryBudget && each.memory <= memoryBudget)
    problems.push(
      `${named('capacity.min')} ${min} instances of ${formatSize(each.memory)} take more than ${budget}`,
    );
  if (bufferMin > bufferMax)
    problems.push(
      `${named('capacity.buffer_min')} ${bufferMin} is greater than ${named('capacity.buffer_max')} ${bufferMax}`,
    );
  const none = said.warm.find((entry) => entry.count === 0);
  if (said.size === 0 && none !== undefined)
    problems.push(
      `${named('size')} 0 and ${named('warm')} ${none.image}=0 say the same twice: leave one out`,
    );
  const sizeCounts = said.size !== undefined || said.warm.some((entry) => entry.count === undefined);
  if (sizeCounts && size > max) problems.push(`${named('size')} ${size} is greater than ${most}`);
  else if (total > max)
    problems.push(`the counts of ${named('warm')} add up to ${total}, which is greater than ${most}`);
  if (each.memory > memoryBudget)
    problems.push(`${named('resources.memory')} ${formatSize(each.memory)} is greater than ${budget}`);
  else if (total * each.memory > memoryBudget)
    problems.push(`${total} warm instances of ${formatSize(each.memory)} take more than ${budget}`);
  const twice = warm.find((entry, index) => warm.findIndex((other) => other.image === entry.image) < index);
  if (twice !== undefined) problems.push(`${named('warm')} names the image ${twice.image} twice`);
  if (scaling.down >= scaling.up)
    problems.push(`autoscale.down ${scaling.down} is not below autoscale.up ${scaling.up}`);
  if (look.interval > 0 && look.timeout > look.interval)
    problems.push(
      `health.timeout ${formatDuration(look.timeout)} is longer than health.interval ${formatDuration(look.interval)}`,
    );
  return problems;
}

/** Values that are too much for the machine. */
export const beyondNode = ({ resources }: PoolPolicy, node: NodeLimits): string[] =>
  beyondLimits(resources, node).map(([key, problem]) => `${named(`resources.${key}`)} ${problem}`);

/** The flag that sets a key, where the command line has one. */
export const policyFlags: FlagNames = {
  size: '--size',
  warm: '--warm',
  'capacity.min': '--min',
  'capacity.max': '--max',
  'capacity.buffer_min': '--buffer-min',
  'capacity.buffer_max': '--buffer-max',
  memory_budget: '--memory-budget',
  ttl: '--ttl',
  max_age: '--max-age',
  on_empty: '--on-empty',
  'queue.timeout': '--queue-timeout',
  reuse: '--reuse',
  pause_idle: '--pause-idle',
  lease_ttl: '--lease-ttl',
  ...resourceFlags,
};

const named = (key: string): string => withName(key, policyFlags);
