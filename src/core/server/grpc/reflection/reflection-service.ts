import type { handleBidiStreamingCall } from '@grpc/grpc-js';
import { eachAbortable } from '../../../model/async/abortable.ts';
import type {
  ServerReflectionRequest as Request,
  ServerReflectionResponse as Response,
  ServerReflectionServer,
} from '../../../wire/gen/grpc/reflection/v1/reflection.ts';
import { signalOf, statusOf } from '../call.ts';
import { sent } from '../server-stream.ts';

/**
 * Tells generic clients what can be called; docs/decisions/reflection.md says why it is ours. Version v1alpha has the
 * same messages as v1 under another name.
 * @param services full names of those that are served
 * @param closing ends the calls
 */
export const reflectionService = (
  services: readonly string[],
  closing: AbortSignal,
): ServerReflectionServer => ({ serverReflectionInfo: reflectionCall(services, closing) });

function reflectionCall(
  services: readonly string[],
  closing: AbortSignal,
): handleBidiStreamingCall<Request, Response> {
  return (call) => {
    const { signal, settle } = signalOf(call, { endWith: closing });
    const answering = async (): Promise<void> => {
      // Few calls need all these descriptors, and no start of a core does.
      const { answerTo } = await import('./answer.ts');
      const requests = call.iterator({ destroyOnReturn: false }) as AsyncIterable<Request>;
      for await (const request of eachAbortable(requests, signal))
        await sent(call, answerTo(request, services), signal);
    };
    answering()
      .then(
        () => call.end(),
        // The library turns what is emitted into the status; to a client that is gone it sends nothing.
        (thrown: unknown) => call.emit('error', statusOf(thrown)),
      )
      .finally(settle);
  };
}
