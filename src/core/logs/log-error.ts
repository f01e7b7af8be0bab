import { diskError } from '../model/failure/disk-failure.ts';
import { diskFull, isDiskFull } from '../model/failure/disk-full.ts';
import { FsbError } from '../model/failure/errors.ts';

/** What a failed system call on the files of a log means to people; an FsbError is one already. */
function logError(what: string, error: unknown, hint?: string): FsbError {
  if (error instanceof FsbError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return diskError(what, error) ?? new FsbError('internal', `${what}: ${reason}`, { hint, cause: error });
}

export const readError = (error: unknown, id: string): FsbError =>
  logError(`cannot read the log of sandbox ${id}`, error);

export function writeError(error: unknown, id: string, directory: string): FsbError {
  const what = `cannot write the log of sandbox ${id}`;
  return isDiskFull(error) ? diskFull(what, { where: directory, cause: error }) : logError(what, error);
}

export const moveError = (error: unknown, id: string): FsbError =>
  logError(
    `cannot hand the log of sandbox ${id} over to its next generation`,
    error,
    'It is whole, and where it was: start the sandbox again when that is mended.',
  );
