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
        await sent(call, toWire(item), signal);
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

/**
 * Resolves when a message has left, or nobody will take it. The library would keep sixteen more of them, however long they
 * are, which nobody counts.
 */
export function sent<Message>(
  call: { write(message: Message, done: () => void): unknown },
  message: Message,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    if (!signal.aborted) signal.addEventListener('abort', done, { once: true });
    call.write(message, done);
    if (signal.aborted) done();
  });
}
