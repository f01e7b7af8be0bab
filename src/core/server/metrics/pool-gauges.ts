import { Gauge, type Registry } from 'prom-client';
import type { PoolInfo, PoolShapeStatus } from '../../model/pool/pool.ts';

const STATES = ['idle', 'claimed', 'booting', 'stopping'] as const;

export interface PoolGauges {
  /** Shows these pools and shapes, and no others. */
  show(pools: readonly PoolInfo[], rows: readonly PoolShapeStatus[]): void;
}

/** How pools stand, in this registry. */
export function poolGauges(registry: Registry): PoolGauges {
  const registers = [registry];
  const instances = new Gauge({
    name: 'fsb_pool_instances',
    help: 'Instances that live; paused ones are idle.',
    labelNames: ['pool', 'shape', 'state'],
    registers,
  });
  const queueLength = new Gauge({
    name: 'fsb_pool_queue_length',
    help: 'Claims that wait, in all pools.',
    registers,
  });
  const memory = new Gauge({
    name: 'fsb_pool_memory_bytes',
    help: 'Memory of the budgets that is taken, in all pools.',
    registers,
  });
  const breakerOpen = new Gauge({
    name: 'fsb_pool_breaker_open',
    help: '1 while boots of the shape are refused.',
    labelNames: ['shape'],
    registers,
  });
  return {
    show(pools, rows) {
      queueLength.set(sumOf(pools, ({ waiting }) => waiting));
      memory.set(sumOf(pools, (pool) => pool.memory));
      instances.reset();
      breakerOpen.reset();
      // A row without a shape is of an image that is not here: it has no instances.
      const shapes = rows.filter(({ shape }) => shape !== '');
      for (const row of shapes) {
        const { pool, shape } = row;
        for (const state of STATES) instances.set({ pool, shape, state }, row[state]);
      }
      // Two pools may have one shape, each with a breaker of its own: any that is open shows.
      for (const { shape } of shapes) breakerOpen.set({ shape }, 0);
      for (const { shape, breaker } of shapes) if (breaker !== undefined) breakerOpen.set({ shape }, 1);
    },
  };
}

const sumOf = <T>(items: readonly T[], value: (item: T) => number): number =>
  items.reduce((sum, item) => sum + value(item), 0);
