import type { CoreApi } from '../../api/core-api.ts';
import { imageToWire, systemToWire } from '../../wire/convert/admin.ts';
import { eventQueryFromWire, eventToWire } from '../../wire/convert/event.ts';
import type { ImageServiceServer } from '../../wire/gen/fsb/v1/image.ts';
import type { SystemServiceServer } from '../../wire/gen/fsb/v1/system.ts';
import { serverStream } from './server-stream.ts';
import { unary } from './unary.ts';

export const imageService = ({ images }: CoreApi): ImageServiceServer => ({
  import: unary(async (request, options) => ({
    images: (await images.import(request, options)).map(imageToWire),
  })),
  list: unary(async (_request, options) => ({ images: (await images.list(options)).map(imageToWire) })),
  remove: unary(async ({ reference }, options) => ({
    image: imageToWire(await images.remove(reference, options)),
  })),
});

export const systemService = ({ system }: CoreApi, closing: AbortSignal): SystemServiceServer => ({
  info: unary(async (_request, options) => systemToWire(await system.info(options))),
  watch: serverStream((query, options) => system.events(eventQueryFromWire(query), options), eventToWire, {
    endWith: closing,
  }),
});
