import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { diskFull, isDiskFull } from './model/failure/disk-full.ts';
import { FsbError } from './model/failure/errors.ts';

/**
 * Makes a directory of the core's own, mode 0700, with what is missing above it.
 * @throws invalid_argument when there is something else, or no permission; no_capacity (the disk is full)
 */
export function makePrivateDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o700);
  } catch (error) {
    if (isDiskFull(error)) throw diskFull(`cannot use the directory ${path}`, { cause: error });
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw new FsbError('invalid_argument', `cannot use the directory ${path}: ${reasons[code] ?? code}`, {
      hint: 'Choose another root with FSB_ROOT or --root.',
      cause: error,
    });
  }
}

/**
 * Before anything in it is believed: whoever made it first, as in /tmp, could answer in the place of the core.
 * @throws denied when it is there and somebody else's
 */
export function assertOwnDirectory(path: string, uid = process.getuid?.()): void {
  if (uid === 0 || uid === undefined) return;
  const owner = ownerOf(path);
  if (owner === undefined || owner === uid || owner === 0) return;
  throw new FsbError('denied', `the directory ${path} belongs to user ${owner}`, {
    hint: 'Remove it, or choose another root with FSB_ROOT.',
  });
}

/** Undefined: there is none, or none that can be reached. */
function ownerOf(path: string): number | undefined {
  try {
    return lstatSync(path).uid;
  } catch {
    return undefined;
  }
}

const reasons: Record<string, string> = {
  EEXIST: 'there is a file of that name',
  ENOTDIR: 'a part of its path is a file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
};
