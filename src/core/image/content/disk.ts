import { open } from 'node:fs/promises';
import { type ErrorCode, FsbError } from '../../model/errors.ts';
import { NoRoom } from './room.ts';

/** Whether a write failed, or was not begun, because there is no room, on the disk or within a quota. */
export function isDiskFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return error instanceof NoRoom || code === 'ENOSPC' || code === 'EDQUOT';
}

/** What the system says, what that means, and what to do. */
const FAILURES: Record<string, { code: ErrorCode; why: string; hint: string }> = {
  EROFS: {
    ...{ code: 'unavailable', why: 'its file system can only be read' },
    hint: 'The system may have done that after an error of the disk: look at dmesg, then mount it writable.',
  },
  EIO: {
    ...{ code: 'unavailable', why: 'the disk does not work' },
    hint: 'Look at dmesg, and whether the disk is failing.',
  },
  EMFILE: {
    ...{ code: 'no_capacity', why: 'the core has too many files open' },
    hint: 'Try again with less at a time, or raise the limit of open files for the core.',
  },
  ENFILE: {
    ...{ code: 'no_capacity', why: 'the machine has too many files open' },
    hint: 'Try again later, or raise fs.file-max.',
  },
  EACCES: {
    ...{ code: 'internal', why: 'the core may not write there' },
    hint: 'Give its directory back to the user of the core.',
  },
};

/** A failure to write something, as its caller is to see it. */
export function writeError(error: unknown, what: string): unknown {
  if (error instanceof NoRoom)
    return new FsbError(error.code, `cannot store ${what}: ${error.message}`, {
      hint: error.hint,
      cause: error,
    });
  if (isDiskFull(error))
    return new FsbError('no_capacity', `cannot store ${what}: the disk is full`, {
      hint: 'Free room on it, or remove what nothing uses: fsb-ctl image prune',
      cause: error,
    });
  // A registry's own failure has no such code, or comes as an FsbError.
  const known = error instanceof FsbError ? undefined : FAILURES[(error as NodeJS.ErrnoException).code ?? ''];
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
