import { DEFAULT_NAMESPACE, shortId } from '../../core/model/ids.ts';
import { shortDigest } from '../../core/model/image/digest.ts';
import { formatSize } from '../../core/model/quantity.ts';
import type { Column, DockerRow, Listing } from '../output/output.ts';
import type { UsageDetail } from './usage-details.ts';
import type { UsageRow, UsageType } from './usage-rows.ts';

const TITLES: Record<UsageType, string> = {
  images: 'Images',
  sandboxes: 'Sandboxes',
  logs: 'Logs',
  // Idle ones, and those that a lease or a one-shot run has.
  instances: 'Pool instances',
  records: 'Records',
  'set-aside': 'Set aside',
  'interrupted-pulls': 'Interrupted pulls',
  'being-removed': 'Being removed',
};

/** Those that are mostly nothing. */
const RARE: ReadonlySet<UsageType> = new Set(['set-aside', 'interrupted-pulls', 'being-removed']);

/** `system df`. */
export function usageListing(rows: UsageRow[]): Listing<UsageRow> {
  return {
    items: rows,
    columns: [
      { title: 'TYPE', least: 13, value: ({ type }) => TITLES[type] },
      { title: 'TOTAL', spare: -1, value: (row) => count(row.total) },
      { title: 'ACTIVE', spare: -2, value: (row) => count(row.active) },
      { title: 'SIZE', value: (row) => formatSize(row.size_bytes) },
      { title: 'RECLAIMABLE', whole: true, value: reclaimable },
      memory,
    ],
    name: ({ type }) => type,
    inTable: ({ type, size_bytes }) => size_bytes > 0 || !RARE.has(type),
    docker: (row) => [dockerUsage(row)],
  };
}

/** `system df -v`. Names are sometimes paths; an instance's takes 17 columns. */
export function usageDetailsListing(details: UsageDetail[], full = false): Listing<UsageDetail> {
  return {
    items: details,
    columns: [
      { title: 'TYPE', least: 13, value: ({ type }) => TITLES[type] },
      { title: 'NAME', folds: true, least: 17, value: nameWithin },
      { title: 'ID', whole: true, spare: 1, value: ({ id }) => (full ? (id ?? '') : shortened(id)) },
      { title: 'STATE', spare: -1, value: ({ state }) => state ?? '' },
      { title: 'SIZE', value: (row) => formatSize(row.size_bytes) },
      { title: 'RECLAIMABLE', value: (row) => (row.reclaimable ? 'yes' : 'no') },
      memory,
    ],
    name: ({ name }) => name,
  };
}

const memory: Column<{ memory_bytes: number | null }> = {
  title: 'MEMORY',
  spare: 0,
  value: ({ memory_bytes }) => (memory_bytes === null ? '' : formatSize(memory_bytes)),
};

const count = (value: number | null): string => (value === null ? '' : String(value));

/** `1.2MiB (40%)`, as docker has it. */
function reclaimable({ size_bytes, reclaimable_bytes }: UsageRow): string {
  const share = size_bytes === 0 ? 0 : Math.round((100 * reclaimable_bytes) / size_bytes);
  return `${formatSize(reclaimable_bytes)} (${share}%)`;
}

const nameWithin = ({ name, namespace }: UsageDetail): string =>
  namespace === null || namespace === DEFAULT_NAMESPACE ? name : `${namespace}/${name}`;

function shortened(id: string | null): string {
  if (id === null) return '';
  return id.startsWith('sha256:') ? shortDigest(id) : shortId(id);
}

const dockerUsage = (row: UsageRow): DockerRow => ({
  Type: TITLES[row.type],
  TotalCount: count(row.total),
  Active: count(row.active),
  Size: formatSize(row.size_bytes),
  Reclaimable: reclaimable(row),
});
