import type { ImageInfo, ImportedImage, PruneResult, RemovedImage } from '../model/image/image.ts';
import type { PullEvent } from '../model/image/pull.ts';
import { momentOf, timestamp } from './timestamp.ts';

/** A row of `image list` as `-o json` shows it. */
export interface ImageView {
  references: string[];
  repo_digests: string[];
  digest: string;
  os: 'linux';
  architecture: string;
  variant: string;
  /** Null when the image does not say when it was built. */
  created: string | null;
  imported_at: string;
  size_bytes: number;
  /** What its removal frees. */
  unique_size_bytes: number;
  used_by: string[];
}

export const imageView = (image: ImageInfo): ImageView => ({
  references: image.references,
  repo_digests: image.repoDigests,
  digest: image.digest,
  // Images of other systems are not taken in.
  os: 'linux',
  architecture: image.architecture,
  variant: image.variant,
  created: momentOf(image.createdAt),
  imported_at: timestamp(image.importedAt),
  size_bytes: image.size,
  unique_size_bytes: image.uniqueSize,
  used_by: image.usedBy,
});

/** A row of `image import -o json`. */
export interface ImportedView extends ImageView {
  /** Those of its references that this import gave it. */
  loaded: string[];
}

export const importedView = ({ loaded, ...image }: ImportedImage): ImportedView => ({
  ...imageView(image),
  loaded,
});

/** What `image pull -o json` prints. */
export interface PulledView {
  reference: string;
  /** What the registry calls it; of an index, maybe. */
  digest: string;
  up_to_date: boolean;
  image: ImageView;
}

export type Pulled = Pick<PullEvent & { kind: 'done' }, 'reference' | 'digest' | 'upToDate' | 'image'>;

export const pulledView = ({ reference, digest, upToDate, image }: Pulled): PulledView => ({
  ...{ reference, digest, up_to_date: upToDate, image: imageView(image) },
});

/** An image of `image prune -o json`, and of `image remove` with the name that was given. */
export interface RemovedView {
  digest: string;
  untagged: string[];
  deleted: boolean;
  freed_bytes: number;
}

export const removedView = ({ image, untagged, deleted, freed }: RemovedImage): RemovedView => ({
  ...{ digest: image.digest, untagged, deleted, freed_bytes: freed },
});

export interface PrunedView {
  removed: RemovedView[];
  /** What interrupted pulls had left included. */
  freed_bytes: number;
}

export const prunedView = ({ removed, freed }: PruneResult): PrunedView => ({
  removed: removed.map(removedView),
  freed_bytes: freed,
});
