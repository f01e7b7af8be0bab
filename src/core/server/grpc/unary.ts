import { type handleUnaryCall, Metadata } from '@grpc/grpc-js';
import type { CallOptions } from '../../api/sandbox-api.ts';
import { FsbError } from '../../model/errors.ts';
import { ERROR_METADATA, toGrpcStatus } from '../../wire/error-status.ts';
import { assertOwnUser } from '../peer-user.ts';

export interface UnaryOptions {
  /** Ends the call at once when it aborts, for calls that wait for something; others are allowed to finish. */
  endWith?: AbortSignal;
}

/** A service method from one call of the API: its cancellation becomes a signal, its error a status. */
export function unary<Request, Response>(
  handle: (request: Request, options: CallOptions) => Promise<Response>,
  { endWith }: UnaryOptions = {},
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const controller = new AbortController();
    const end = (): void => controller.abort(endWith?.reason);
    const settle = (): void => endWith?.removeEventListener('abort', end);
    call.once('cancelled', () =>
      controller.abort(new FsbError('cancelled', 'the client cancelled the call')),
    );
    if (endWith?.aborted) end();
    else endWith?.addEventListener('abort', end, { once: true });
    const answer = async (): Promise<Response> => {
      assertPeer(call.getPeer());
      return handle(call.request, { signal: controller.signal });
    };
    answer().then(
      (response) => {
        settle();
        callback(null, response);
      },
      (thrown: unknown) => {
        settle();
        const { code, details, body } = toGrpcStatus(thrown);
        const metadata = new Metadata();
        metadata.set(ERROR_METADATA, body);
        callback({ code, details, metadata });
      },
    );
  };
}

/** `127.0.0.1:40000` or `[::1]:40000`; on a unix socket there is nothing to ask: its mode keeps others away. */
function assertPeer(peer: string): void {
  const match = /^\[?([0-9a-fA-F.:]+?)\]?:(\d+)$/.exec(peer);
  if (match) assertOwnUser(match[1], Number(match[2]));
}
