import { familiarName } from '../../core/model/image/reference.ts';
import type { PoolShapeStatus } from '../../core/model/pool/pool.ts';
import { type PoolShapeView, poolShapeView } from '../../core/view/pool-shape-view.ts';
import type { Column, Listing, Tone } from './output.ts';

export function poolStatusListing(rows: PoolShapeStatus[]): Listing<PoolShapeView> {
  const items = rows.map(poolShapeView);
  return {
    items,
    columns: [{ title: 'POOL', value: (r) => r.pool }, ...shapeColumns(items.filter(isInUse))],
    name: (r) => r.pool,
    inTable: isInUse,
  };
}

/** Users make up shapes (each `--memory` is another one); those that left nothing but numbers would bury the others. */
export const isInUse = ({
  warm,
  idle,
  claimed,
  booting,
  stopping,
  waiting,
  breaker,
}: PoolShapeView): boolean => warm + idle + claimed + booting + stopping + waiting > 0 || breaker !== null;

/** @param rows of the plain table: it has the columns BREAKER and SHAPE when they tell something there */
export function shapeColumns(rows: PoolShapeView[]): Column<PoolShapeView>[] {
  const broken = rows.some(({ breaker }) => breaker !== null);
  const alike = new Set(rows.map(({ pool, image }) => `${pool} ${image}`)).size < rows.length;
  const count = (
    title: string,
    value: (row: PoolShapeView) => number,
    more: Partial<Column<PoolShapeView>> = {},
  ): Column<PoolShapeView> => ({ title, value: (row) => String(value(row)), ...more });
  return [
    { title: 'IMAGE', value: (r) => familiarName(r.image) },
    count('MAX', (r) => r.max, { spare: 2 }),
    count('WARM', (r) => r.warm, { wide: true }),
    { title: 'IDLE', value: (r) => String(r.idle), tone: idleTone },
    count('CLAIMED', (r) => r.claimed),
    count('BOOTING', (r) => r.booting),
    { title: 'WAITING', value: (r) => String(r.waiting), tone: (r) => (r.waiting > 0 ? 'busy' : 'plain') },
    count('HITS', (r) => r.hits, { spare: 3 }),
    count('MISSES', (r) => r.misses, { spare: 4 }),
    count('EVICTED', (r) => r.evicted, { wide: true }),
    { title: 'HIT%', value: (r) => (r.hit_ratio === null ? '' : String(Math.round(r.hit_ratio * 100))) },
    { title: 'P50', spare: 1, value: (r) => milliseconds(r.p50_ms) },
    { title: 'P99', value: (r) => milliseconds(r.p99_ms) },
    { title: 'SHAPE', wide: !alike, value: (r) => r.shape },
    count('STOPPING', (r) => r.stopping, { wide: true }),
    { title: 'BREAKER', wide: !broken, value: (r) => r.breaker ?? '', tone: () => 'bad' },
  ];
}

function idleTone({ breaker, idle, warm }: PoolShapeView): Tone {
  if (breaker !== null) return 'bad';
  if (idle < warm) return 'busy';
  return idle > 0 ? 'good' : 'plain';
}

const milliseconds = (ms: number | null): string => (ms === null ? '' : `${ms.toFixed(ms < 10 ? 2 : 0)}ms`);
