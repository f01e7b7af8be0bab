import { statfs } from 'node:fs/promises';

/** Bytes. A boot writes less, but not much less. */
const TOO_LITTLE = 64 * 1024;

/**
 * The first of some directories on whose disk nothing can be written any more. To be asked while what was written lies
 * there still: a runtime that could not write does not always say so, and cannot where its log is on the same disk.
 */
export async function findFullDisk(directories: readonly string[]): Promise<string | undefined> {
  for (const directory of directories) if (await isFull(directory)) return directory;
  return undefined;
}

/** Some file systems have no table of inodes that could be full: `files` is 0 then. */
async function isFull(directory: string): Promise<boolean> {
  const disk = await statfs(directory).catch(() => undefined);
  if (disk === undefined) return false;
  return disk.bavail * disk.bsize < TOO_LITTLE || (disk.files > 0 && disk.ffree === 0);
}
