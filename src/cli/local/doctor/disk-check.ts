import { formatSize } from '../../../core/model/quantity.ts';
import type { Check } from './check.ts';

/** Bytes. */
const LEAST_FREE = 1024 ** 3;
/** Less than this share of it is free. */
const NEARLY_FULL = 0.05;

/** Bytes. */
interface Room {
  free: number;
  total: number;
}

/** @param path where the core keeps its state */
export function diskCheck(path: string, room: Room): Check {
  return {
    name: 'disk',
    ok: room.free >= LEAST_FREE,
    found: `${formatSize(room.free)} of ${formatSize(room.total)} free for ${path}`,
    hint: hintFor(room),
  };
}

const TO_FREE =
  'fsb-ctl system df -v shows what takes room, and fsb-ctl system prune frees what nothing uses.';

function hintFor({ free, total }: Room): string {
  if (free >= LEAST_FREE) return free / total < NEARLY_FULL ? `It is nearly full: ${TO_FREE}` : '';
  // Whatever goes, there is no room for an image and what is written in it.
  if (total < 2 * LEAST_FREE)
    return 'The disk is small: name a directory of a larger one with FSB_ROOT, or with serve --root.';
  return `Free at least 1GiB: ${TO_FREE}`;
}
