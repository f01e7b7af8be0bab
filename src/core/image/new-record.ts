import type { Clock } from '../model/clock.ts';
import type { ImageRecord } from './content/image-records.ts';
import type { NamedImage } from './image-names.ts';

/** What goes on record of an image that came in. */
export const recordOf = ({ image, references, repoDigests }: NamedImage, clock: Clock): ImageRecord => ({
  digest: image.manifest.digest,
  mediaType: image.manifest.mediaType,
  configDigest: image.configuration.digest,
  ...{ references, repoDigests },
  config: image.config,
  layers: image.layers.map(({ digest, diffId, mediaType, size }) => ({ digest, diffId, mediaType, size })),
  architecture: image.platform.architecture,
  variant: image.platform.variant ?? '',
  createdAt: image.createdAt,
  importedAt: clock.now(),
});
