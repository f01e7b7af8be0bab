import type { ImageApi } from '../api/core-api.ts';
import type { ImageStore } from '../image/image-store.ts';
import type { Pools } from './pools/pools.ts';

/** The node's images, as callers see them. */
export const imageApi = (images: ImageStore, pools: Pick<Pools, 'dropIdle'>): ImageApi => ({
  import: ({ path, name }, options) => images.import(path, name, options?.signal),
  list: () => images.list(),
  // The pools keep instances of images in recent use, which no user can see, let alone stop.
  remove: (reference) => images.remove(reference, (digest) => pools.dropIdle(digest)),
});
