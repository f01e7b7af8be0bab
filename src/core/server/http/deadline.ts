import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { deadlineExceeded } from '../grpc/call.ts';
import { TIMEOUT_UNITS } from '../grpc/timeout-header.ts';

export interface Deadline {
  /** Aborts when the caller is gone or the time is over. */
  signal: AbortSignal;
  isOver(): boolean;
  /** Ends the timer. Idempotent. */
  clear(): void;
}

/**
 * The time that a caller gives a call, written as in gRPC: `250m` are milliseconds.
 * @param header of `grpc-timeout`
 * @throws invalid_argument
 */
export function deadlineOf(header: string | undefined, gone: AbortSignal, clock: Clock): Deadline {
  if (header === undefined) return { signal: gone, isOver: () => false, clear: () => {} };
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(header) ?? [];
  if (unit === undefined)
    throw new FsbError(
      'invalid_argument',
      `the header grpc-timeout is malformed: ${JSON.stringify(header)}`,
      {
        hint: 'Write at most eight digits and one of H, M, S, m (milliseconds), u and n.',
      },
    );
  const over = new AbortController();
  const clear = clock.after(Number(digits) * TIMEOUT_UNITS[unit]!, () => over.abort(deadlineExceeded()));
  return { signal: AbortSignal.any([gone, over.signal]), isOver: () => over.signal.aborted, clear };
}
