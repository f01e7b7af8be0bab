import type { ImageApi } from '../api/image-api.ts';
import { FsbError } from '../model/failure/errors.ts';
import type { ImportedImage } from '../model/image/image.ts';
import type { ImportRequest } from '../model/image/image-requests.ts';
import {
  imageDetailsFromWire,
  imageFromWire,
  importedFromWire,
  importTermsToWire,
  loginToWire,
  prunedFromWire,
  pruneToWire,
  pullRequestToWire,
  removedFromWire,
} from '../wire/convert/image.ts';
import { layerFromWire, pullEventFromWire } from '../wire/convert/pull.ts';
import { type ImportImageRequest, ImageServiceService as service } from '../wire/gen/fsb/v1/image.ts';
import { orCannotTell } from './deed.ts';
import type { Rpc } from './rpc.ts';
import { wasReached } from './unreachable.ts';

/** Below gRPC's limit for a message. */
const LARGEST_CHUNK = 1024 * 1024;

const MAY_BE_GONE = 'It may have been: see fsb-ctl image list.';

/** The images of a core. */
export function imageCalls(rpc: Rpc): ImageApi {
  return {
    async *pull(request, options) {
      try {
        for await (const event of rpc.stream(service.pull, pullRequestToWire(request), options))
          yield pullEventFromWire(event);
      } catch (error) {
        const hint = 'Pull it again: what has come of it is used.';
        throw unfinished(`the pull of ${request.reference}`, hint, error);
      }
    },
    async import(request, { onLayer, ...options } = {}) {
      let images: ImportedImage[] | undefined;
      try {
        for await (const { event } of rpc.exchange(service.import, importMessages(request), options)) {
          if (event?.$case === 'layer') onLayer?.(layerFromWire(event.value));
          if (event?.$case === 'done') images = importedFromWire(event.value);
        }
      } catch (error) {
        throw unfinished('the import', 'Import it again: an image that is here already is fine.', error);
      }
      if (images === undefined) throw new FsbError('internal', 'the core ended the import without a result');
      return images;
    },
    list: async (options) => (await rpc.call(service.list, {}, options)).images.map(imageFromWire),
    inspect: async (reference, options) =>
      imageDetailsFromWire(await rpc.call(service.inspect, { reference }, options)),
    async tag(source, target, options) {
      const act = () => rpc.call(service.tag, { source, target }, options);
      const hint = 'Do the same again: one that has the name already is fine.';
      await orCannotTell({ what: `image ${source} was tagged ${target}`, hint, act }, options);
    },
    async remove(reference, { force = false, ...options } = {}) {
      const act = () => rpc.call(service.remove, { reference, force }, options);
      const deed = { what: `image ${reference} was removed`, hint: MAY_BE_GONE, act };
      const { removed } = await orCannotTell(deed, options);
      return removedFromWire(removed);
    },
    async prune(request, options) {
      const act = () => rpc.call(service.prune, pruneToWire(request), options);
      const deed = { what: 'unused images were removed', hint: MAY_BE_GONE, act };
      return prunedFromWire(await orCannotTell(deed, options));
    },
    async *save(references, options) {
      for await (const { content } of rpc.stream(service.save, { references }, options)) yield content;
    },
    async login(request, options) {
      const { identityToken } = await rpc.call(service.login, loginToWire(request), options);
      return identityToken === undefined ? {} : { identityToken };
    },
  };
}

/** There was a core that had begun, which "cannot reach the core" does not say. Of other errors nothing changes. */
function unfinished(what: string, hint: string, thrown: unknown): unknown {
  const error = FsbError.from(thrown);
  if (!wasReached(error)) return thrown;
  return new FsbError(error.code, `${what} did not finish: ${error.message}`, { hint, cause: error.cause });
}

async function* importMessages(request: ImportRequest): AsyncGenerator<ImportImageRequest> {
  yield { part: { $case: 'terms', value: importTermsToWire(request) } };
  if ('path' in request.source) return;
  for await (const chunk of request.source.content)
    for (let at = 0; at < chunk.length; at += LARGEST_CHUNK)
      yield { part: { $case: 'content', value: chunk.subarray(at, at + LARGEST_CHUNK) } };
}
