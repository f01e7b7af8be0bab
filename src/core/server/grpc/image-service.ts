import type { CoreApi } from '../../api/core-api.ts';
import {
  imageDetailsToWire,
  imageToWire,
  loginFromWire,
  prunedToWire,
  pruneFromWire,
  pullRequestFromWire,
  removedToWire,
} from '../../wire/convert/image.ts';
import { pullEventToWire } from '../../wire/convert/pull.ts';
import type { ImageServiceServer } from '../../wire/gen/fsb/v1/image.ts';
import { importCall } from './import-call.ts';
import { serverStream } from './server-stream.ts';
import { unary } from './unary.ts';

/** @param closing ends the calls that may take long */
export function imageService({ images }: CoreApi, closing: AbortSignal): ImageServiceServer {
  const long = { endWith: closing };
  return {
    pull: serverStream(
      (request, options) => images.pull(pullRequestFromWire(request), options),
      pullEventToWire,
      long,
    ),
    import: importCall(images, closing),
    list: unary(async (_request, options) => ({ images: (await images.list(options)).map(imageToWire) })),
    inspect: unary(async ({ reference }, options) =>
      imageDetailsToWire(await images.inspect(reference, options)),
    ),
    tag: unary(async ({ source, target }, options) => {
      await images.tag(source, target, options);
      return {};
    }),
    remove: unary(async ({ reference, force }, options) => ({
      removed: removedToWire(await images.remove(reference, { force, ...options })),
    })),
    prune: unary(async (request, options) =>
      prunedToWire(await images.prune(pruneFromWire(request), options)),
    ),
    save: serverStream(
      ({ references }, options) => images.save(references, options),
      (content) => ({ content }),
      long,
    ),
    login: unary(async (request, options) => images.login(loginFromWire(request), options), long),
  };
}
