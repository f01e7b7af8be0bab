import type { PoolInfo } from '../../core/model/pool/pool.ts';

/**
 * What to tell somebody whose --size changes nothing, because every warm image has a number of its own already;
 * undefined: it does count. Without a word a pool would seem not to obey.
 */
export function unusedSize(size: number | undefined, { name, policy }: PoolInfo): string | undefined {
  if (size === undefined || policy.warm.length === 0) return undefined;
  if (policy.warm.some(({ count }) => count === size)) return undefined;
  const warm = policy.warm.map(({ image }) => `${image}=${size}`).join(',');
  return `--size ${size} changes nothing: every warm image of pool ${name} has a number of its own. Meant was perhaps: --warm ${warm}`;
}
