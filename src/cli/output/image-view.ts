import { shortDigest } from '../../core/model/digest.ts';
import { type ImageInfo, KEEPER, type PruneResult, type RemovedImage } from '../../core/model/image.ts';
import type { PullEvent } from '../../core/model/pull.ts';
import { formatSize } from '../../core/model/quantity.ts';
import { familiarName } from '../../core/model/reference.ts';
import type { Listing } from './output.ts';
import { timestamp } from './sandbox-view.ts';

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

/** Null for the 0 of what does not say. */
export const momentOf = (ms: number): string | null => (ms === 0 ? null : timestamp(ms));

/** `alpine:latest, tools:1` */
export const namesOf = ({ references }: Pick<ImageInfo, 'references'>): string =>
  references.length === 0 ? '<none>' : references.map(familiarName).join(', ');

/** `Loaded image: alpine:latest`, as docker load says it; of one without a name also how to give it one. */
export const importedLines = (images: readonly ImageInfo[]): string =>
  images
    .flatMap(({ references, digest }) =>
      references.length > 0
        ? references.map((name) => `Loaded image: ${familiarName(name)}`)
        : [
            `Loaded image ID: ${digest}`,
            `Hint: It has no name. Give it one: fsb-ctl image tag ${shortDigest(digest)} NAME`,
          ],
    )
    .join('\n');

/** What `image pull -o json` prints. */
export interface PulledView {
  reference: string;
  /** What the registry calls it; of an index, maybe. */
  digest: string;
  up_to_date: boolean;
  image: ImageView;
}

export function pulledListing(
  pulled: Pick<PullEvent & { kind: 'done' }, 'reference' | 'digest' | 'upToDate' | 'image'>,
): Listing<PulledView> {
  const { reference, digest, upToDate, image } = pulled;
  return {
    items: [{ reference, digest, up_to_date: upToDate, image: imageView(image) }],
    single: true,
    columns: [],
    name: (view) => view.reference,
    describe: (view) => `${view.reference}\n`,
  };
}

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

/** `Untagged: alpine:latest`, `Deleted: sha256:...`, a line each. */
export const removedLines = ({ image, untagged, deleted }: RemovedImage): string =>
  [
    ...untagged.map((name) => `Untagged: ${familiarName(name)}`),
    ...(deleted ? [`Deleted: ${image.digest}`] : []),
    ...(!deleted && hasLostAll(image, untagged) ? [`${image.digest} ${departure(image)}`] : []),
  ].join('\n');

const hasLostAll = ({ references, repoDigests }: ImageInfo, untagged: readonly string[]): boolean =>
  [...references, ...repoDigests].every((name) => untagged.includes(name));

function departure({ usedBy }: ImageInfo): string {
  const isKeeper = (name: string): boolean => name.startsWith(KEEPER);
  const conditions = [
    condition(
      usedBy.filter((name) => !isKeeper(name)),
      'is gone',
      'are gone',
    ),
    condition(usedBy.filter(isKeeper), 'keeps it no longer', 'keep it no longer'),
  ];
  return `goes when ${conditions.filter(Boolean).join(' and ') || 'nothing uses it any more'}`;
}

const condition = (names: string[], one: string, several: string): string =>
  names.length === 0 ? '' : `${names.join(', ')} ${names.length === 1 ? one : several}`;

export interface PrunedView {
  removed: RemovedView[];
  /** What interrupted pulls had left included. */
  freed_bytes: number;
}

export function prunedListing({ removed, freed }: PruneResult): Listing<PrunedView> {
  const text = removed.map((image) => `${removedLines(image)}\n`).join('');
  return {
    items: [{ removed: removed.map(removedView), freed_bytes: freed }],
    single: true,
    columns: [],
    name: () => '',
    describe: () => `${text}Total reclaimed space: ${formatSize(freed)}\n`,
  };
}

/** For -q and `-o name`: a digest a line. */
export const removedNames = ({ removed }: PruneResult): Listing<RemovedView> => ({
  ...{ items: removed.map(removedView), columns: [], name: ({ digest }) => digest },
});
