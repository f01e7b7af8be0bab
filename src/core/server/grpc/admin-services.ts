import type { CoreApi } from '../../api/core-api.ts';
import { imageToWire, poolStatusToWire, systemToWire } from '../../wire/convert/admin.ts';
import type { ImageServiceServer } from '../../wire/gen/fsb/v1/image.ts';
import type { PoolServiceServer } from '../../wire/gen/fsb/v1/pool.ts';
import type { SystemServiceServer } from '../../wire/gen/fsb/v1/system.ts';
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

export const poolService = ({ pools }: CoreApi): PoolServiceServer => ({
  status: unary(async (_request, options) => ({ rows: (await pools.status(options)).map(poolStatusToWire) })),
});

export const systemService = ({ system }: CoreApi): SystemServiceServer => ({
  info: unary(async (_request, options) => systemToWire(await system.info(options))),
});
