import { constants } from 'node:os';
import { FsbError } from './errors.ts';

const { ENOSPC, EDQUOT } = constants.errno;
/** As Node calls them, and as lmdb does. */
const CODES: readonly unknown[] = ['ENOSPC', 'EDQUOT', ENOSPC, EDQUOT];

/** Whether a write failed because there is no room, on the disk or within a quota. */
export const isDiskFull = (error: unknown): boolean =>
  CODES.includes((error as { code?: unknown } | undefined)?.code);

/** Whether that is what a program says that it failed with, in C's or Go's words. */
export const saysDiskFull = (text: string): boolean =>
  /no space left on device|disk quota exceeded/i.test(text);

/**
 * @param what failed: `cannot store blob sha256:...`
 * @param where on the disk that is full, a path; when it is known
 */
export function diskFull(what: string, { where, cause }: { where?: string; cause?: unknown } = {}): FsbError {
  const place = where === undefined ? 'the disk' : `the disk of ${where}`;
  return new FsbError('no_capacity', `${what}: ${place} is full`, {
    hint: 'Free room on it: images that nothing uses go with fsb-ctl image prune, sandboxes with fsb-ctl delete.',
    cause,
  });
}
