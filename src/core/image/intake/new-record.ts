import type { ImageRecord } from '../content/image-records.ts';
import type { NamedImage } from '../names/image-names.ts';

/**
 * What goes on record of an image that came in.
 * @param importedAt milliseconds since the epoch
 */
export const recordOf = (
  { image, references, repoDigests }: NamedImage,
  importedAt: number,
): ImageRecord => ({
  digest: image.manifest.digest,
  mediaType: image.manifest.mediaType,
  configDigest: image.configuration.digest,
  ...{ references, repoDigests },
  config: image.config,
  layers: image.layers.map(({ digest, diffId, mediaType, size }) => ({ digest, diffId, mediaType, size })),
  architecture: image.platform.architecture,
  variant: image.platform.variant ?? '',
  createdAt: image.createdAt,
  importedAt,
});
