import { open } from 'node:fs/promises';
import { diskError } from '../../model/failure/disk-failure.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { NoRoom } from './room.ts';

/** A failure to write something, as its caller is to see it. */
export function writeError(error: unknown, what: string): unknown {
  if (error instanceof NoRoom)
    return new FsbError(error.code, `cannot store ${what}: ${error.message}`, {
      hint: error.hint,
      cause: error,
    });
  // A registry's own failure has no such code, or comes as an FsbError.
  return diskError(`cannot store ${what}`, error) ?? error;
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
