import type { ImageApi } from '../api/image-api.ts';
import type { ImageStore } from '../image/image-store.ts';
import { type ImageInfo, KEEPER } from '../model/image/image.ts';
import type { Pools } from './pools/pools.ts';

/** The node's images, as callers see them: the store knows what they are, the pools who uses them. */
export function imageApi(
  images: ImageStore,
  pools: Pick<Pools, 'dropIdle' | 'keepersOf' | 'usersOf'>,
  /** The ended sandboxes, `namespace/name`, whose files lie over an image. */
  endedOn: (digest: string) => string[],
): ImageApi {
  // The pools keep instances of images in recent use, which no user can see, let alone stop.
  const letGo = (digest: string): Promise<void> => pools.dropIdle(digest);
  // An ended one whose files are being copied is both.
  const usersOf = (digest: string): string[] => [
    ...new Set([...userNames(pools.usersOf(digest)), ...endedOn(digest)]),
  ];
  const usedBy = (digest: string): string[] => [
    ...usersOf(digest),
    ...pools.keepersOf(digest).map((name) => `${KEEPER}${name}`),
  ];
  const withUsers = <T extends ImageInfo>(image: T): T => ({ ...image, usedBy: usedBy(image.digest) });
  return {
    pull: (request, options) => images.pull(request, options?.signal),
    import: async (request, { signal, onLayer } = {}) =>
      (await images.import(request, signal, onLayer)).map(withUsers),
    list: async () => (await images.list()).map(withUsers),
    inspect: async (reference) => withUsers(await images.inspect(reference)),
    tag: (source, target) => images.tag(source, target),
    remove: async (reference, { force } = {}) => {
      const removed = await images.remove(reference, { force, letGo, usersOf });
      return { ...removed, image: withUsers(removed.image) };
    },
    prune: async (request) => {
      const gone = new Set(request.dryRun ? request.without : []);
      const keep = ({ digest }: ImageInfo): boolean => usedBy(digest).some((user) => !gone.has(user));
      const { removed, freed } = await images.prune(request, { keep, letGo });
      return { removed: removed.map((one) => ({ ...one, image: withUsers(one.image) })), freed };
    },
    save: (references, options) => images.save(references, options?.signal),
    login: (request, options) => images.login(request, options?.signal),
  };
}

const SANDBOX = 'sandbox ';

/** `default/box`, `lease ...`, `pool run`: sandboxes first, and where images are spoken of they need no other word. */
function userNames(holders: readonly string[]): string[] {
  const sandboxes = holders.filter((name) => name.startsWith(SANDBOX));
  const others = holders.filter((name) => !name.startsWith(SANDBOX));
  return [
    ...sandboxes.map((name) => name.slice(SANDBOX.length)),
    ...others.map((name) => (name === 'run' ? 'pool run' : name)),
  ];
}
