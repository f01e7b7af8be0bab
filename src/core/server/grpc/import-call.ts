import type { handleClientStreamingCall, ServerReadableStream } from '@grpc/grpc-js';
import type { ImageApi } from '../../api/image-api.ts';
import { FsbError } from '../../model/errors.ts';
import { imageToWire, importFromWire } from '../../wire/convert/image.ts';
import type { ImportImageRequest, ImportImageResponse } from '../../wire/gen/fsb/v1/image.ts';
import { assertPeer, signalOf, statusOf } from './call.ts';

type ImportStream = ServerReadableStream<ImportImageRequest, ImportImageResponse>;

/** The terms, then the bytes of the file, read at the pace at which the core takes them. */
export function importCall(
  images: Pick<ImageApi, 'import'>,
  closing: AbortSignal,
): handleClientStreamingCall<ImportImageRequest, ImportImageResponse> {
  return (call, callback) => {
    const { signal, settle } = signalOf(call, { endWith: closing });
    // A client that is gone sends no end: whoever reads would wait for ever.
    signal.addEventListener('abort', () => call.destroy(FsbError.from(signal.reason)), { once: true });
    const answer = async (): Promise<ImportImageResponse> => {
      assertPeer(call);
      const requests = (call as ImportStream)[Symbol.asyncIterator]();
      const { value: first, done } = await requests.next();
      const part = done ? undefined : (first as ImportImageRequest).part;
      if (part?.$case !== 'terms') throw malformed('it does not begin with its terms');
      const imported = await images.import(importFromWire(part.value, contentOf(requests)), { signal });
      return { images: imported.map(imageToWire) };
    };
    answer()
      .then(
        (response) => callback(null, response),
        (thrown: unknown) => callback(statusOf(thrown)),
      )
      .finally(settle);
  };
}

async function* contentOf(requests: AsyncIterator<ImportImageRequest>): AsyncGenerator<Buffer> {
  for (let next = await requests.next(); !next.done; next = await requests.next()) {
    const { part } = next.value;
    if (part?.$case !== 'content') throw malformed('it has terms among its bytes');
    yield part.value;
  }
}

const malformed = (why: string): FsbError =>
  new FsbError('invalid_argument', `the request to import is malformed: ${why}`);
