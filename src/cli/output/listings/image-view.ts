import { shortDigest } from '../../../core/model/image/digest.ts';
import {
  type ImageInfo,
  type ImportedImage,
  KEEPER,
  type PruneResult,
  type RemovedImage,
} from '../../../core/model/image/image.ts';
import { familiarName } from '../../../core/model/image/reference.ts';
import { formatSize } from '../../../core/model/quantity.ts';
import {
  type PrunedView,
  type Pulled,
  type PulledView,
  prunedView,
  pulledView,
  type RemovedView,
  removedView,
} from '../../../core/view/image-view.ts';
import type { Listing } from '../output.ts';

/** `alpine:latest, tools:1` */
export const namesOf = ({ references }: Pick<ImageInfo, 'references'>): string =>
  references.length === 0 ? '<none>' : references.map(familiarName).join(', ');

/** `Loaded image: alpine:latest`, as docker load prints it: the names that came in, and not what the image is called besides. */
export const loadedLines = ({ loaded, digest }: ImportedImage): string[] =>
  loaded.length > 0
    ? loaded.map((name) => `Loaded image: ${familiarName(name)}`)
    : [`Loaded image ID: ${digest}`];

/** How to give it a name, where it has none; undefined: it has. */
export const namelessHint = ({ references, digest }: ImportedImage): string | undefined =>
  references.length > 0
    ? undefined
    : `Hint: It has no name. Give it one: fsb-ctl image tag ${shortDigest(digest)} NAME`;

export function pulledListing(pulled: Pulled): Listing<PulledView> {
  return {
    items: [pulledView(pulled)],
    single: true,
    columns: [],
    name: (view) => view.reference,
    describe: (view) => `${view.reference}\n`,
  };
}

/** `Untagged: alpine:latest`, `Deleted: sha256:...`: a line each, as docker prints it. */
export const removedLines = ({ image, untagged, deleted }: RemovedImage): string[] => [
  ...untagged.map((name) => `Untagged: ${familiarName(name)}`),
  ...(deleted ? [`Deleted: ${image.digest}`] : []),
];

/** When one goes that has lost its last name, and is still there. */
export const departureLine = ({ image, untagged, deleted }: RemovedImage): string | undefined =>
  !deleted && hasLostAll(image, untagged) ? `${image.digest} ${departure(image)}` : undefined;

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

export function prunedListing({ removed, freed }: PruneResult): Listing<PrunedView> {
  const text = removed
    .flatMap(removedLines)
    .map((line) => `${line}\n`)
    .join('');
  return {
    items: [prunedView({ removed, freed })],
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
