import { Metadata, type StatusObject } from '@grpc/grpc-js';
import { systemClock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { ERROR_METADATA, toGrpcStatus } from '../../wire/error-status.ts';
import { DETAILS_METADATA, statusDetails } from './status-details.ts';

/** What unary and streaming calls have in common. */

/** A call of any message. */
interface Call {
  /** Milliseconds since the epoch; infinite: none. */
  getDeadline(): Date | number;
  once(event: 'cancelled', listener: () => void): unknown;
}

export interface EndOptions {
  /** Ends the call at once when it aborts, for calls that wait for something; others are allowed to finish. */
  endWith?: AbortSignal;
}

interface CallSignal {
  signal: AbortSignal;
  abort(reason: FsbError): void;
  /** When the call is over, so that nothing listens on. */
  settle(): void;
}

/** Aborts when the client cancels, its deadline is over, or `endWith` aborts. */
export function signalOf(call: Call, { endWith }: EndOptions): CallSignal {
  const controller = new AbortController();
  const end = (): void => controller.abort(endWith?.reason);
  call.once('cancelled', () => controller.abort(whyCancelled(call)));
  if (endWith?.aborted) end();
  else endWith?.addEventListener('abort', end, { once: true });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    settle: () => endWith?.removeEventListener('abort', end),
  };
}

const ended = new WeakMap<object, FsbError>();

/** Ends a call from this side, as if its client had cancelled it. */
export function endCall(call: { emit(event: 'cancelled'): unknown }, why: FsbError): void {
  ended.set(call, why);
  call.emit('cancelled');
}

/** Of a call that is cancelled: by its client, its deadline, or from this side. */
export function whyCancelled(call: Pick<Call, 'getDeadline'>): FsbError {
  const why = ended.get(call);
  if (why !== undefined) return why;
  // grpc-js made that deadline of the clock of the machine, whatever clock the core has.
  return Number(call.getDeadline()) <= systemClock.now()
    ? deadlineExceeded()
    : new FsbError('cancelled', 'the client cancelled the call');
}

export const deadlineExceeded = (): FsbError => new FsbError('timeout', 'the deadline of the call is over');

export function statusOf(thrown: unknown): Pick<StatusObject, 'code' | 'details' | 'metadata'> {
  const error = FsbError.from(thrown);
  const { code, details, body } = toGrpcStatus(error);
  const metadata = new Metadata();
  metadata.set(ERROR_METADATA, body);
  metadata.set(DETAILS_METADATA, statusDetails(error));
  return { code, details, metadata };
}
