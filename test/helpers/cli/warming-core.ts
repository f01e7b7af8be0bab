import type { CoreApi } from '../../../src/core/api/core-api.ts';
import type { PoolChange } from '../../../src/core/api/pool-api.ts';
import { EventLog } from '../../../src/core/events/event-log.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { PoolDetails, PoolShapeStatus } from '../../../src/core/model/pool/pool.ts';
import { type PoolPolicyInput, parsePolicy } from '../../../src/core/model/pool/pool-policy.ts';
import { defaultResources, type ShapeSummary } from '../../../src/core/model/sandbox/shape.ts';
import { hostCore } from '../core/host-core/host-core.ts';

export const node = { cores: 2, pids: 32_768, memory: 8 * 1024 ** 3 };

/** With what the pool has where nothing is said. */
export const bootedWith: ShapeSummary = {
  ...{ runtime: 'runc', resources: defaultResources, network: 'none', mounts: [], keptFiles: false },
};

export const shapeRow = (row: Partial<PoolShapeStatus>): PoolShapeStatus => ({
  ...{ pool: 'default-pool', shape: `shape-${row.image}`, image: 'host', max: 8, warm: 0, idle: 0 },
  ...{ claimed: 0, booting: 0, stopping: 0, waiting: 0, hits: 0, misses: 0, evicted: 0 },
  ...(row.shape === '' ? {} : { bootedWith }),
  ...row,
});

/** A pool as it looks with these shapes. */
export function poolWith(shapes: PoolShapeStatus[], said: Partial<PoolPolicyInput> = {}): PoolDetails {
  const sum = (key: 'idle' | 'claimed' | 'booting' | 'stopping' | 'waiting'): number =>
    shapes.reduce((total, shape) => total + shape[key], 0);
  const warm = shapes.filter((shape) => shape.warm > 0).map(({ image, warm: count }) => ({ image, count }));
  return {
    ...{ name: 'default-pool', state: 'active', createdAt: 0, min: 0, instances: [], shapes },
    ...{ idle: sum('idle'), claimed: sum('claimed'), booting: sum('booting'), stopping: sum('stopping') },
    ...{ waiting: sum('waiting'), memory: (sum('idle') + sum('claimed')) * 512 * 1024 ** 2 },
    policy: parsePolicy({ name: 'default-pool', warm, ...said }, node),
  };
}

export interface WarmingCore {
  core: CoreApi;
  /** What was asked of the pool. */
  changes: PoolChange[];
  /** How many read the events now. */
  readonly readers: number;
  /** From now on the pool looks so, and an event says that something happened, unless nobody is to hear of it. */
  becomes(pool: PoolDetails, unheard?: 'unheard'): void;
}

/** A core whose default pool looks as the test says. */
export function warmingCore(first: PoolDetails): WarmingCore {
  let pool = first;
  const changes: PoolChange[] = [];
  const events = new EventLog(systemClock);
  let readers = 0;
  const core = hostCore();
  const named = (name: string): PoolDetails => {
    if (name === pool.name) return pool;
    throw new FsbError('not_found', `there is no pool ${name}`);
  };
  const read: CoreApi['system']['events'] = async function* (query, options) {
    readers += 1;
    try {
      yield* events.read(query, options);
    } finally {
      readers -= 1;
    }
  };
  return {
    changes,
    get readers() {
      return readers;
    },
    core: {
      ...core,
      // Whatever it keeps warm is here.
      images: { ...core.images, inspect: () => core.images.inspect('host') },
      pools: Object.assign(Object.create(core.pools) as CoreApi['pools'], {
        get: async (name: string) => named(name),
        status: async () => pool.shapes,
        update: async (name: string, change: PoolChange) => {
          named(name);
          changes.push(change);
          return pool;
        },
      }),
      system: { ...core.system, events: read },
    },
    becomes(next, unheard) {
      pool = next;
      if (!unheard)
        events.append({ pool: next.name, event: { type: 'refill', shape: 'shape-host', count: 1 } });
    },
  };
}
