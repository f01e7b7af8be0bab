import { diskFull, isDiskFull } from '../../model/failure/disk-full.ts';
import { FsbError } from '../../model/failure/errors.ts';

/**
 * What bringing an image in failed with, as its caller is to see it: names the thing, and tells a full disk from a
 * broken file.
 * @param what `cannot import /tmp/image.tar`
 */
export function importError(error: unknown, what: string, signal: AbortSignal): FsbError {
  if (signal.aborted) return FsbError.from(signal.reason);
  if (isDiskFull(error)) return diskFull(what, { cause: error });
  const failure = FsbError.from(error);
  if (failure.message.startsWith(what)) return failure;
  return new FsbError(failure.code, `${what}: ${failure.message}`, { hint: failure.hint, cause: error });
}
