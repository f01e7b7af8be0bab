import type { SystemInfo } from '../../core/api/core-api.ts';
import type { ImageInfo } from '../../core/model/image.ts';
import type { PoolShapeStatus } from '../../core/model/pool.ts';
import { formatAge, formatSize } from '../../core/model/quantity.ts';
import { familiarName } from '../../core/model/reference.ts';
import type { Listing } from './output.ts';
import { timestamp } from './sandbox-view.ts';

/** A row of `pool status` as `-o json` shows it. Times are milliseconds; absent values are null. */
export interface PoolShapeView {
  pool: string;
  shape: string;
  image: string;
  max: number;
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
  const claims = row.hits + row.misses;
  const { p50, p99, breaker, ...counts } = row;
  return {
    ...counts,
    hit_ratio: claims === 0 ? null : row.hits / claims,
    p50_ms: p50 ?? null,
    p99_ms: p99 ?? null,
    breaker: breaker ?? null,
  };
}

const milliseconds = (ms: number | null): string => (ms === null ? '' : `${ms.toFixed(ms < 10 ? 2 : 0)}ms`);

export function poolStatusListing(rows: PoolShapeStatus[]): Listing<PoolShapeView> {
  const count = (title: string, value: (row: PoolShapeView) => number, wide = false) => ({
    title,
    wide,
    value: (row: PoolShapeView) => String(value(row)),
  });
  return {
    items: rows.map(poolShapeView),
    columns: [
      { title: 'POOL', value: (r) => r.pool },
      { title: 'IMAGE', value: (r) => r.image },
      count('MAX', (r) => r.max),
      count('IDLE', (r) => r.idle),
      count('CLAIMED', (r) => r.claimed),
      count('BOOTING', (r) => r.booting),
      count('WAITING', (r) => r.waiting),
      count('HITS', (r) => r.hits),
      count('MISSES', (r) => r.misses),
      count('EVICTED', (r) => r.evicted),
      { title: 'HIT%', value: (r) => (r.hit_ratio === null ? '' : String(Math.round(r.hit_ratio * 100))) },
      { title: 'P50', value: (r) => milliseconds(r.p50_ms) },
      { title: 'P99', value: (r) => milliseconds(r.p99_ms) },
      { title: 'SHAPE', wide: true, value: (r) => r.shape },
      count('STOPPING', (r) => r.stopping, true),
      { title: 'BREAKER', wide: true, value: (r) => r.breaker ?? '', tone: () => 'bad' },
    ],
    name: (r) => r.pool,
  };
}

/** A row of `image list` as `-o json` shows it. */
export interface ImageView {
  references: string[];
  digest: string;
  size_bytes: number;
  architecture: string;
  imported_at: string;
}

export const imageView = (image: ImageInfo): ImageView => ({
  references: image.references,
  digest: image.digest,
  size_bytes: image.size,
  architecture: image.architecture,
  imported_at: timestamp(image.importedAt),
});

export const shortDigest = (digest: string): string => digest.replace(/^sha256:/, '').slice(0, 12);

export function imageListing(images: ImageInfo[], now: number, full: boolean): Listing<ImageView> {
  const digest = (image: ImageView): string => (full ? image.digest : shortDigest(image.digest));
  return {
    items: images.map(imageView),
    columns: [
      {
        title: 'IMAGE',
        value: (i) => (i.references.length === 0 ? '<none>' : i.references.map(familiarName).join(', ')),
      },
      { title: 'DIGEST', value: digest },
      { title: 'SIZE', value: (i) => (i.size_bytes === 0 ? '' : formatSize(i.size_bytes)) },
      { title: 'AGE', value: (i) => formatAge(now - Date.parse(i.imported_at)) },
      { title: 'ARCHITECTURE', wide: true, value: (i) => i.architecture },
    ],
    name: (i) => i.references[0] ?? i.digest,
    id: digest,
  };
}

export interface VersionView {
  client: { version: string; node_version: string };
  /** Null when no core was asked or none runs. */
  core: { version: string; node: string; pid: number; runtime: string; root: string } | null;
}

export function versionListing(
  version: string,
  nodeVersion: string,
  core: SystemInfo | undefined,
): Listing<VersionView> {
  const view: VersionView = {
    client: { version, node_version: nodeVersion },
    core: core
      ? { version: core.version, node: core.node, pid: core.pid, runtime: core.runtime, root: core.root }
      : null,
  };
  return {
    items: [view],
    single: true,
    columns: [],
    name: (v) => v.client.version,
    describe: (v) =>
      `fsb-ctl: ${v.client.version} (node ${v.client.node_version})\n` +
      (v.core === null
        ? ''
        : `core:    ${v.core.version} (pid ${v.core.pid}, ${v.core.runtime}, ${v.core.root})\n`),
  };
}
