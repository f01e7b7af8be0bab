import type { ImageStoreUsage } from '../image-store.ts';
import type { ImageContent } from './image-content.ts';
import { totalOf } from './sizes.ts';

/**
 * What images take on the disk.
 * @param isUsed by digest: neither that image is reclaimable nor what others share with it
 */
export function storeUsage(
  content: Pick<ImageContent, 'records' | 'layers' | 'blobs' | 'leftovers'>,
  isUsed: (digest: string) => boolean,
): ImageStoreUsage {
  const { records, layers, blobs } = content;
  const all = records.all();
  // One that was removed by force goes with its last user.
  const used = all.filter(({ digest, removed }) => removed || isUsed(digest));
  const size = totalOf(all, layers, blobs);
  return { size, reclaimable: size - totalOf(used, layers, blobs), leftovers: content.leftovers(0) };
}
