import { familiarName } from '../../../core/model/image/reference.ts';
import type { PoolShapeStatus } from '../../../core/model/pool/pool.ts';
import { formatSize } from '../../../core/model/quantity.ts';
import { defaultResources } from '../../../core/model/sandbox/shape.ts';
import {
  type PoolShapeView,
  poolShapeView,
  type ShapeSummaryView,
} from '../../../core/view/pool-shape-view.ts';
import type { Column, Listing, Tone } from '../output.ts';

export function poolStatusListing(rows: PoolShapeStatus[]): Listing<PoolShapeView> {
  const items = rows.map(poolShapeView);
  return {
    items,
    columns: [{ title: 'POOL', whole: true, value: (r) => r.pool }, ...shapeColumns(items.filter(isInUse))],
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

/** @param rows of the plain table: it has the column BREAKER when that tells something there */
export function shapeColumns(rows: PoolShapeView[]): Column<PoolShapeView>[] {
  const broken = rows.some(({ breaker }) => breaker !== null);
  const alike = new Set(rows.map(({ pool, image }) => `${pool} ${image}`)).size < rows.length;
  const said = ({ pool, image, booted_with }: PoolShapeView): string =>
    `${pool} ${image} ${summaryText(booted_with)}`;
  // Sources of mounts are their owner's affair: what else tells such rows apart is their shape.
  const bootedWith = (row: PoolShapeView): string => {
    const same = rows.filter((other) => said(other) === said(row));
    const more = same.length > 1 && same.includes(row) ? `, shape ${row.shape.slice(0, 8)}` : '';
    return summaryText(row.booted_with) + more;
  };
  const count = (
    title: string,
    value: (row: PoolShapeView) => number,
    more: Partial<Column<PoolShapeView>> = {},
  ): Column<PoolShapeView> => ({ title, value: (row) => String(value(row)), ...more });
  return [
    { title: 'IMAGE', value: (r) => familiarName(r.image) },
    {
      title: 'BOOTED WITH',
      // In 17 columns is what most shapes differ in: `0.5 cpus, 300MiB,`.
      ...(alike ? { folds: true, least: 17 } : { spare: 2 }),
      value: bootedWith,
    },
    count('MAX', (r) => r.max, { spare: 3 }),
    count('WARM', (r) => r.warm, { wide: true }),
    { title: 'IDLE', value: (r) => String(r.idle), tone: idleTone },
    count('CLAIMED', (r) => r.claimed),
    count('BOOTING', (r) => r.booting, { spare: -2 }),
    count('WAITING', (r) => r.waiting, { spare: -3, tone: (r) => (r.waiting > 0 ? 'busy' : 'plain') }),
    count('HITS', (r) => r.hits, { spare: 4 }),
    count('MISSES', (r) => r.misses, { spare: 5 }),
    count('EVICTED', (r) => r.evicted, { wide: true }),
    {
      title: 'HIT%',
      spare: -1,
      value: (r) => (r.hit_ratio === null ? '' : String(Math.round(r.hit_ratio * 100))),
    },
    { title: 'P50', spare: 1, value: (r) => milliseconds(r.p50_ms) },
    { title: 'P99', spare: 0, value: (r) => milliseconds(r.p99_ms) },
    { title: 'SHAPE', wide: true, value: (r) => r.shape },
    count('STOPPING', (r) => r.stopping, { wide: true }),
    { title: 'BREAKER', wide: !broken, value: (r) => r.breaker ?? '', tone: () => 'bad' },
  ];
}

/** `1 cpu, 512MiB`, and what is not usual: `2 cpus, 1GiB, 64 processes, network host, mounts /src`. */
function summaryText(summary: ShapeSummaryView | null): string {
  if (summary === null) return '';
  const { cpus, memory_bytes, pids, disk_bytes, network, mounts, kept_files } = summary;
  return [
    `${cpus} cpu${cpus === 1 ? '' : 's'}`,
    formatSize(memory_bytes),
    ...(pids === defaultResources.pids ? [] : [`${pids} processes`]),
    ...(disk_bytes === null ? [] : [`${formatSize(disk_bytes)} disk`]),
    ...(network === 'none' ? [] : [`network ${network}`]),
    ...(mounts.length === 0 ? [] : [`mounts ${mounts.join(' ')}`]),
    ...(kept_files ? ['kept files'] : []),
  ].join(', ');
}

function idleTone({ breaker, idle, warm }: PoolShapeView): Tone {
  if (breaker !== null) return 'bad';
  if (idle < warm) return 'busy';
  return idle > 0 ? 'good' : 'plain';
}

const milliseconds = (ms: number | null): string => (ms === null ? '' : `${ms.toFixed(ms < 10 ? 2 : 0)}ms`);
