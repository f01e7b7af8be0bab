import { type ErrorCode, FsbError } from '../../model/failure/errors.ts';
import type { TimeLimit } from './time-limit.ts';

const refusals: ReadonlySet<ErrorCode> = new Set(['command_not_found', 'not_executable']);

/**
 * What was started, or why the image cannot start it. Undefined: the limit came first; the process may have been
 * started all the same, as the call was given up on its way.
 */
export async function startedWithin<T>(
  { signal }: TimeLimit,
  starting: Promise<T>,
): Promise<T | FsbError | undefined> {
  try {
    return await starting;
  } catch (thrown) {
    if (signal.aborted) return undefined;
    const error = FsbError.from(thrown);
    if (refusals.has(error.code)) return error;
    throw error;
  }
}
