import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Turns } from '../../model/async/turns.ts';
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
export const syncDirectory = (path: string): Promise<void> => sync(path);

/** How many files of a tree are open at a time. */
const AT_ONCE = 16;

/** Before a directory that was filled gets its name: else a power cut may leave that with empty files in it. */
export async function syncTree(root: string): Promise<void> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name));
  const turns = new Turns(AT_ONCE);
  // Side by side, because a disk writes many of them down at once.
  await Promise.all([root, ...paths].map((path) => turns.take('', () => sync(path))));
}

async function sync(path: string): Promise<void> {
  const file = await open(path);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
