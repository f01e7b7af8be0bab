import { collectDefaultMetrics, Registry } from 'prom-client';
import type { PoolApi } from '../../api/pool-api.ts';
import type { Clock } from '../../model/clock.ts';
import type { PoolMeter } from '../../model/pool/pool.ts';
import { newTally, type Tally } from '../../model/tally.ts';
import { type CallMetrics, callMetrics } from './call-metrics.ts';
import { partMetrics } from './part-metrics.ts';
import { poolGauges } from './pool-gauges.ts';
import { poolMeters } from './pool-meters.ts';
import { Traffic } from './traffic.ts';

/** The metrics of one core: made before its pools, which report to them, and served when it listens. */
export interface CoreMetrics extends CallMetrics {
  /** Where its listeners count. */
  readonly traffic: Traffic;
  readonly contentType: string;
  /** What the pool of this name tells while it works. */
  pool(name: string): PoolMeter;
  /** Memory, processor time, descriptors, event-loop delay and garbage collection of this process, too. Idempotent. */
  observeProcess(): void;
  /** Everything, as Prometheus reads it, with the pools as they stand now. */
  text(pools: Pick<PoolApi, 'list' | 'status'>): Promise<string>;
}

export interface CoreMetricsOptions {
  /** What the parts of the core count; left out: they tell nothing. */
  tally?: Tally;
  /** Bytes of the files of the record store. */
  storeSize?: () => number;
}

export function createCoreMetrics(
  clock: Clock,
  { tally = newTally(), storeSize = () => 0 }: CoreMetricsOptions = {},
): CoreMetrics {
  const registry = new Registry();
  const meters = poolMeters(registry);
  const gauges = poolGauges(registry);
  const traffic = new Traffic();
  partMetrics(registry, { tally, traffic, storeSize });
  let observing = false;
  /** The pools and shapes of the last scrape. */
  let last: readonly [Set<string>, Set<string>] = [new Set(), new Set()];
  return {
    ...callMetrics(registry, clock),
    traffic,
    contentType: registry.contentType,
    pool: (name) => meters.pool(name),
    observeProcess() {
      if (!observing) collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 10 });
      observing = true;
    },
    async text(pools) {
      const [infos, rows] = await Promise.all([pools.list(), pools.status()]);
      const shapes = new Set(rows.map(({ shape }) => shape).filter((shape) => shape !== ''));
      gauges.show(infos, rows);
      meters.begin(shapes);
      const living = [new Set(infos.map(({ name }) => name)), shapes] as const;
      // What the last scrape still found is shown once more, with what happened to it since then.
      meters.keepOnly(new Set([...last[0], ...living[0]]), new Set([...last[1], ...living[1]]));
      last = living;
      return registry.metrics();
    },
  };
}
