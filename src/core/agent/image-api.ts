import type { ImageApi } from '../api/core-api.ts';
import type { ImageStore } from '../image/image-store.ts';
import type { Pool } from '../pool/pool.ts';

/** The node's images, as callers see them. */
export const imageApi = (images: ImageStore, pool: Pick<Pool, 'vacate'>): ImageApi => ({
  import: ({ path, name }, options) => images.import(path, name, options?.signal),
  list: () => images.list(),
  async remove(reference) {
    // What cannot be resolved, a broken image for example, may still be removable: that is the store's to say.
    const image = await images.resolve(reference).catch(() => undefined);
    // Nobody asked for the instances that are ready for a next claim, and nobody could delete them.
    if (image !== undefined) await pool.vacate(image.digest);
    return images.remove(reference);
  },
});
