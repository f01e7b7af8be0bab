import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes of the log of each sandbox that has one, by its id, in order. */
export async function logSizes(directory: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const sandboxId of (await namesIn(directory)).sort())
    sizes.set(sandboxId, await fileSizes(join(directory, sandboxId)));
  return sizes;
}

/** Bytes of a file, or of the files in a directory. 0 for what is gone. */
export async function fileSizes(path: string): Promise<number> {
  const found = await stat(path).catch(ifGone);
  if (found === undefined || !found.isDirectory()) return found?.size ?? 0;
  let sum = 0;
  for (const name of await namesIn(path)) sum += await fileSizes(join(path, name));
  return sum;
}

export const namesIn = async (directory: string): Promise<string[]> =>
  (await readdir(directory).catch(ifGone)) ?? [];

/** It may go at any moment. @throws any other failure */
function ifGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
}
