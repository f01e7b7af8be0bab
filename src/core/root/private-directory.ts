import { chmodSync, lstatSync } from 'node:fs';
import { diskFull, isDiskFull } from '../model/failure/disk-full.ts';
import { FsbError } from '../model/failure/errors.ts';
import { makeDirectories } from '../model/make-directories.ts';

/**
 * Makes a directory of the core's own, mode 0700, with what is missing above it.
 * @throws invalid_argument when there is something else; denied; no_capacity (the disk is full)
 */
export function makePrivateDirectory(path: string): void {
  try {
    makeDirectories(path, 0o700);
    chmodSync(path, 0o700);
  } catch (error) {
    if (isDiskFull(error)) throw diskFull(`cannot use the directory ${path}`, { cause: error });
    throw unusable(path, error);
  }
}

/** Why a directory of the core's own cannot be used: denied or invalid_argument, by the error of the system. */
export function unusable(path: string, error: unknown): FsbError {
  const what = `cannot use the directory ${path}`;
  const { code = '' } = error as NodeJS.ErrnoException;
  return (
    notPermitted(what, error) ??
    new FsbError('invalid_argument', `${what}: ${reasons[code] ?? code}`, {
      hint: 'Choose another root with FSB_ROOT or --root.',
      cause: error,
    })
  );
}

/** Of a root that belongs to another user; undefined for another error. @param what failed: `cannot read /x` */
export function notPermitted(what: string, error: unknown): FsbError | undefined {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (!['EACCES', 'EPERM'].includes(code)) return undefined;
  return new FsbError('denied', `${what}: permission denied`, {
    hint: 'Do it as the user whose core that is, or choose another root with FSB_ROOT or --root.',
    cause: error,
  });
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
  ENOENT: 'nothing can be made there',
  EROFS: 'the file system is read-only',
};
