import type { ImageApi } from '../api/core-api.ts';
import type { ImageStore } from '../image/image-store.ts';
import type { Pool } from '../pool/pool.ts';

/** The node's images, as callers see them. */
export const imageApi = (images: ImageStore, pool: Pick<Pool, 'dropIdle'>): ImageApi => ({
  import: ({ path, name }, options) => images.import(path, name, options?.signal),
  list: () => images.list(),
  // The pool keeps instances of images in recent use, which no user can see, let alone stop.
  remove: (reference) => images.remove(reference, (digest) => pool.dropIdle(digest)),
});
