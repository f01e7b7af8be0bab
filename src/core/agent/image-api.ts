import type { ImageApi } from '../api/image-api.ts';
import type { ImageStore } from '../image/image-store.ts';
import type { Pools } from './pools/pools.ts';

/** The node's images, as callers see them. */
export function imageApi(images: ImageStore, pools: Pick<Pools, 'dropIdle'>): ImageApi {
  // The pools keep instances of images in recent use, which no user can see, let alone stop.
  const letGo = (digest: string): Promise<void> => pools.dropIdle(digest);
  return {
    pull: (request, options) => images.pull(request, options?.signal),
    import: (request, options) => images.import(request, options?.signal),
    list: () => images.list(),
    inspect: (reference) => images.inspect(reference),
    remove: (reference, { force } = {}) => images.remove(reference, { force, letGo }),
    prune: (request) => images.prune(request, { letGo }),
    save: (references, options) => images.save(references, options?.signal),
    login: (request, options) => images.login(request, options?.signal),
  };
}
