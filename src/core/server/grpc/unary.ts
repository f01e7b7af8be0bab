import type { handleUnaryCall } from '@grpc/grpc-js';
import type { CallOptions } from '../../api/sandbox-api.ts';
import { type EndOptions, signalOf, statusOf } from './call.ts';

/** A service method from one call of the API: its cancellation becomes a signal, its error a status. */
export function unary<Request, Response>(
  handle: (request: Request, options: CallOptions) => Promise<Response>,
  options: EndOptions = {},
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const { signal, settle } = signalOf(call, options);
    const answer = async (): Promise<Response> => {
      return handle(call.request, { signal });
    };
    answer().then(
      (response) => {
        settle();
        callback(null, response);
      },
      (thrown: unknown) => {
        settle();
        callback(statusOf(thrown));
      },
    );
  };
}
