import type { handleClientStreamingCall } from '@grpc/grpc-js';
import type { CallOptions } from '../../api/sandbox-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { type EndOptions, signalOf, statusOf } from './call.ts';

/**
 * The first message asks for something, a second one takes that back. Who takes back instead of cancelling is answered
 * all the same, and so learns of what was made at that very moment; a cancelled call would hide it from both.
 *
 * @param what is asked for, for people: `a lease`
 */
export function retractable<Request, Response>(
  what: string,
  handle: (request: Request, options: Required<CallOptions>) => Promise<Response>,
  options: EndOptions,
): handleClientStreamingCall<Request, Response> {
  return (call, callback) => {
    const { signal, settle, abort } = signalOf(call, options);
    const answer = async (request: Request): Promise<Response> => handle(request, { signal });
    let asked = false;
    call.on('data', (request: Request) => {
      if (asked) return abort(new FsbError('cancelled', `the request for ${what} was taken back`));
      asked = true;
      answer(request)
        .then(
          (response) => callback(null, response),
          (thrown: unknown) => callback(statusOf(thrown)),
        )
        .finally(settle);
    });
    call.once('end', () => {
      if (asked) return;
      settle();
      callback(statusOf(new FsbError('invalid_argument', `${what} was asked for without a request`)));
    });
  };
}
