import type { ImageApi } from '../api/core-api.ts';
import type { ImageStore } from '../image/image-store.ts';

/** The node's images, as callers see them. */
export const imageApi = (images: ImageStore): ImageApi => ({
  import: ({ path, name }, options) => images.import(path, name, options?.signal),
  list: () => images.list(),
  remove: (reference) => images.remove(reference),
});
