import type { PoolPolicy, PoolShapeStatus, PoolTotals } from '../../model/pool/pool.ts';
import { summaryOf } from '../../model/sandbox/shape.ts';
import type { Breaker } from '../decide/breaker.ts';
import type { PooledInstance } from '../pool.ts';
import type { ShapeRecord, Slot } from '../shapes/shape-record.ts';

/** The row of one shape for `pool status`. */
export function shapeStatus(
  policy: Pick<PoolPolicy, 'name' | 'capacity'>,
  record: ShapeRecord,
  waiting: number,
): PoolShapeStatus {
  const [p50, p99] = record.times.quantiles(0.5, 0.99);
  const trouble = troubleOf(record);
  return {
    pool: policy.name,
    shape: record.key,
    image: record.image,
    bootedWith: summaryOf(record.shape),
    max: policy.capacity.max,
    warm: record.warm,
    idle: record.idle.length,
    claimed: record.claimed,
    booting: record.booting.size,
    stopping: record.stopping.size,
    waiting,
    hits: record.hits,
    misses: record.misses,
    evicted: record.evicted,
    ...(trouble === undefined ? {} : { breaker: trouble.failure?.message ?? '' }),
    ...(p50 === undefined ? {} : { p50, p99 }),
  };
}

/** What is held back at present: a refill that would have nothing to do is no trouble, whatever happened before. */
function troubleOf({ boots, refills, idle, warm }: ShapeRecord): Breaker | undefined {
  if (boots.phase !== 'closed') return boots;
  return refills.phase !== 'closed' && idle.length < Math.max(1, warm) ? refills : undefined;
}

/** `rest`: what the records do not know. */
export function poolTotals(
  records: readonly ShapeRecord[],
  rest: Pick<PoolTotals, 'waiting' | 'memory' | 'min'>,
): PoolTotals {
  const totals: PoolTotals = { idle: 0, claimed: 0, booting: 0, stopping: 0, ...rest };
  for (const record of records) {
    totals.idle += record.idle.length;
    totals.claimed += record.claimed;
    totals.booting += record.booting.size;
    totals.stopping += record.stopping.size;
  }
  return totals;
}

export function pooledInstances(slots: readonly Slot[], now: number): PooledInstance[] {
  return slots
    .filter((slot) => slot.state !== 'booting')
    .map(({ instance, record, since }) => ({
      instance: instance!,
      shape: record.key,
      image: record.image,
      age: now - since,
    }));
}
