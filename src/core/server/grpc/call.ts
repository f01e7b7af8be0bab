import { Metadata, type StatusObject } from '@grpc/grpc-js';
import { FsbError } from '../../model/errors.ts';
import { ERROR_METADATA, toGrpcStatus } from '../../wire/error-status.ts';

/** What unary and streaming calls have in common. */

/** A call of any message. */
interface Call {
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

/** Aborts when the client cancels or `endWith` does. */
export function signalOf(call: Call, { endWith }: EndOptions): CallSignal {
  const controller = new AbortController();
  const end = (): void => controller.abort(endWith?.reason);
  call.once('cancelled', () => controller.abort(new FsbError('cancelled', 'the client cancelled the call')));
  if (endWith?.aborted) end();
  else endWith?.addEventListener('abort', end, { once: true });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    settle: () => endWith?.removeEventListener('abort', end),
  };
}

export function statusOf(thrown: unknown): Pick<StatusObject, 'code' | 'details' | 'metadata'> {
  const { code, details, body } = toGrpcStatus(thrown);
  const metadata = new Metadata();
  metadata.set(ERROR_METADATA, body);
  return { code, details, metadata };
}
