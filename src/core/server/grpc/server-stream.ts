import type { Writable } from 'node:stream';
import type { handleServerStreamingCall } from '@grpc/grpc-js';
import type { CallOptions } from '../../api/sandbox-api.ts';
import { type EndOptions, signalOf, statusOf } from './call.ts';

/** A streaming method from an iterable of the API, read at the pace of the client and no longer than it is there. */
export function serverStream<Request, Item, Response>(
  open: (request: Request, options: CallOptions) => AsyncIterable<Item>,
  toWire: (item: Item) => Response,
  options: EndOptions = {},
): handleServerStreamingCall<Request, Response> {
  return (call) => {
    const { signal, settle } = signalOf(call, options);
    const send = async (): Promise<void> => {
      for await (const item of open(call.request, { signal })) {
        if (!call.write(toWire(item))) await drained(call, signal);
        if (signal.aborted) throw signal.reason;
      }
    };
    send()
      .then(
        () => call.end(),
        // The library turns what is emitted into the status; to a client that is gone it sends nothing.
        (thrown: unknown) => call.emit('error', statusOf(thrown)),
      )
      .finally(settle);
  };
}

/** Resolves when there is room for more, or nobody will take it. */
export function drained(call: Pick<Writable, 'once' | 'off'>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    call.once('drain', done);
    if (signal.aborted) done();
    else signal.addEventListener('abort', done, { once: true });
  });
}
