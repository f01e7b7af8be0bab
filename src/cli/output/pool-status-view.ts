import type { PoolShapeStatus } from '../../core/model/pool.ts';
import { familiarName } from '../../core/model/reference.ts';
import type { Column, Listing, Tone } from './output.ts';

/** A row of `pool status` as `-o json` shows it. Times are milliseconds; absent values are null. */
export interface PoolShapeView {
  pool: string;
  /** Empty for a warm entry whose image is not here; `breaker` says why. */
  shape: string;
  image: string;
  max: number;
  /** How many idle ones are kept. */
  warm: number;
  idle: number;
  claimed: number;
  booting: number;
  stopping: number;
  waiting: number;
  hits: number;
  misses: number;
  evicted: number;
  /** 0..1; null before the first claim. */
  hit_ratio: number | null;
  p50_ms: number | null;
  p99_ms: number | null;
  /** Why boots are refused, while they are. */
  breaker: string | null;
}

export function poolShapeView(row: PoolShapeStatus): PoolShapeView {
  const { pool, shape, image, max, warm, idle, claimed, booting, stopping, waiting } = row;
  const { hits, misses, evicted, p50, p99, breaker } = row;
  const claims = hits + misses;
  return {
    ...{ pool, shape, image, max, warm, idle, claimed, booting, stopping, waiting, hits, misses, evicted },
    hit_ratio: claims === 0 ? null : hits / claims,
    p50_ms: p50 ?? null,
    p99_ms: p99 ?? null,
    breaker: breaker ?? null,
  };
}

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
