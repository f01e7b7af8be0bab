import { open } from 'node:fs/promises';
import { FsbError } from '../../model/errors.ts';
import { diskFailure } from '../bytes/disk-failure.ts';

/** Whether a write failed because there is no room, on the disk or within a quota. */
export function isDiskFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** A failure to write something, as its caller is to see it. */
export function writeError(error: unknown, what: string): unknown {
  if (isDiskFull(error))
    return new FsbError('no_capacity', `cannot store ${what}: the disk is full`, {
      hint: 'Free room on it, or remove what nothing uses: fsb-ctl image prune',
      cause: error,
    });
  // A registry's own failure has no such code, or comes as an FsbError.
  const known = error instanceof FsbError ? undefined : diskFailure(error);
  if (known === undefined) return error;
  return new FsbError(known.code, `cannot store ${what}: ${known.why}`, { hint: known.hint, cause: error });
}

/** Makes the renames in a directory outlive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
