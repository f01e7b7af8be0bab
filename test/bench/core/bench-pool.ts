import type { CoreApi } from '../../../src/core/api/core-api.ts';

/** What a measured instance runs: it says something and stays. */
export const HELLO = ['sh', '-c', 'echo hello; exec sleep 600'];

/** A pool of the `host` image that keeps so many idle instances, and nothing beyond. */
export async function createPool(
  core: { api: CoreApi },
  name: string,
  idle: number,
  max: number,
): Promise<void> {
  await core.api.pools.create({
    name,
    warm: [{ image: 'host', count: idle }],
    capacity: { max, buffer_min: 0, buffer_max: 0 },
    memory_budget: '512g',
    queue: { timeout: '5m' },
    // Looks at idle instances would be measured along.
    health: { interval: 0 },
  });
  await ready(core, name, idle);
}

export interface PoolCounts {
  idle: number;
  hits: number;
  misses: number;
}

/** Waits until so many idle instances are reported and nothing boots or ends any more. */
export async function ready(core: { api: CoreApi }, pool: string, idle: number): Promise<PoolCounts> {
  for (;;) {
    const rows = await core.api.pools.status(pool);
    const sum = (pick: (row: (typeof rows)[number]) => number): number =>
      rows.reduce((total, row) => total + pick(row), 0);
    const counts = {
      idle: sum((row) => row.idle),
      hits: sum((row) => row.hits),
      misses: sum((row) => row.misses),
    };
    if (counts.idle >= idle && sum((row) => row.booting + row.stopping + row.claimed) === 0) return counts;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
