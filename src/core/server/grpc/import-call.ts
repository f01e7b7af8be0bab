import type { handleBidiStreamingCall, ServerDuplexStream } from '@grpc/grpc-js';
import type { ImageApi } from '../../api/image-api.ts';
import { eachAbortable } from '../../model/async/abortable.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { importedToWire, importFromWire } from '../../wire/convert/image.ts';
import type { ImportImageRequest, ImportImageResponse } from '../../wire/gen/fsb/v1/image.ts';
import { signalOf, statusOf } from './call.ts';

type ImportStream = ServerDuplexStream<ImportImageRequest, ImportImageResponse>;

/** The terms, then the bytes of the file, read at the pace at which the core takes them; back comes how far it is. */
export function importCall(
  images: Pick<ImageApi, 'import'>,
  closing: AbortSignal,
): handleBidiStreamingCall<ImportImageRequest, ImportImageResponse> {
  return (call: ImportStream) => {
    const { signal, settle } = signalOf(call, { endWith: closing });
    const importing = async (): Promise<void> => {
      // A client that is gone sends no end: whoever reads would wait for ever. Its other half is for the answer.
      const requests = eachAbortable(call.iterator({ destroyOnReturn: false }), signal);
      const { value: first, done } = await requests.next();
      const part = done ? undefined : (first as ImportImageRequest).part;
      if (part?.$case !== 'terms') throw malformed('it does not begin with its terms');
      const imported = await images.import(importFromWire(part.value, contentOf(requests)), {
        signal,
        onLayer: (layer) => call.write({ event: { $case: 'layer', value: layer } }),
      });
      call.write({ event: { $case: 'done', value: importedToWire(imported) } });
    };
    importing()
      .then(
        () => call.end(),
        // The library turns what is emitted into the status; to a client that is gone it sends nothing.
        (thrown: unknown) => call.emit('error', statusOf(thrown)),
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
