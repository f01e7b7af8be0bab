import { FsbError } from '../model/errors.ts';

/** What an import failed with, as its caller is to see it: names the file, and tells a full disk from a broken file. */
export function importError(error: unknown, path: string, signal: AbortSignal): FsbError {
  if (signal.aborted) return FsbError.from(signal.reason);
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new FsbError('no_capacity', `cannot import ${path}: the disk is full`, {
      hint: 'Free room on it, or remove images: fsb-ctl image remove NAME',
      cause: error,
    });
  const failure = FsbError.from(error);
  if (failure.message.startsWith('cannot import')) return failure;
  return new FsbError(failure.code, `cannot import ${path}: ${failure.message}`, {
    hint: failure.hint,
    cause: error,
  });
}
