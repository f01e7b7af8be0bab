import { getSystemErrorName } from 'node:util';
import { diskFull, isDiskFull } from './disk-full.ts';
import { type ErrorCode, FsbError } from './errors.ts';

export interface DiskFailure {
  code: ErrorCode;
  why: string;
  hint: string;
}

/** What the system says, what that means, and what to do. */
const FAILURES: Record<string, DiskFailure> = {
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
    hint: 'Try again with less at a time, or raise the limit of open files for the core (ulimit -n, LimitNOFILE of its service).',
  },
  ENFILE: {
    ...{ code: 'no_capacity', why: 'the machine has too many files open' },
    hint: 'Try again later, or raise fs.file-max.',
  },
  EACCES: {
    ...{ code: 'internal', why: 'the core has no permission there' },
    hint: 'Give its directory back to the user of the core.',
  },
};

/** What a failed system call means for who wanted to keep something; undefined for others, and for a full disk. */
export const diskFailure = (error: unknown): DiskFailure | undefined => FAILURES[nameOf(error)];

/** The same for what a program says that it failed with, in C's or Go's words. */
export function saidDiskFailure(text: string): DiskFailure | undefined {
  if (/read-only file system/i.test(text)) return FAILURES.EROFS;
  return /input\/output error/i.test(text) ? FAILURES.EIO : undefined;
}

const SHORTAGES: ReadonlySet<string> = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ENOSPC',
  'EDQUOT',
  'EAGAIN',
  'EINTR',
]);

/** There was too little of something: it says nothing about the file, and may be over a moment later. */
export const isShortage = (error: unknown): boolean => SHORTAGES.has(nameOf(error));

/** As Node calls it, or as lmdb does, by its number. */
function nameOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  if (typeof code === 'number' && Number.isInteger(code) && code > 0) return getSystemErrorName(-code);
  return String(code);
}

/**
 * The error of a system call as people are to see it, a full disk too; undefined when it is about no disk.
 * @param what failed: `cannot store blob sha256:...`
 */
export function diskError(what: string, error: unknown): FsbError | undefined {
  if (error instanceof FsbError) return undefined;
  if (isDiskFull(error)) return diskFull(what, { cause: error });
  const failure = diskFailure(error);
  if (failure === undefined) return undefined;
  return new FsbError(failure.code, `${what}: ${failure.why}`, { hint: failure.hint, cause: error });
}
