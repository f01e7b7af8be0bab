import { open } from 'node:fs/promises';
import { diskFull, isDiskFull } from '../../model/disk-full.ts';
import { FsbError } from '../../model/errors.ts';
import { diskFailure } from '../bytes/disk-failure.ts';
import { NoRoom } from './room.ts';

/** A failure to write something, as its caller is to see it. */
export function writeError(error: unknown, what: string): unknown {
  if (error instanceof NoRoom)
    return new FsbError(error.code, `cannot store ${what}: ${error.message}`, {
      hint: error.hint,
      cause: error,
    });
  if (isDiskFull(error)) return diskFull(`cannot store ${what}`, { cause: error });
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
