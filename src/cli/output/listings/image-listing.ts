import { shortDigest } from '../../../core/model/image/digest.ts';
import type { ImageInfo, ImportedImage } from '../../../core/model/image/image.ts';
import { formatPlatform } from '../../../core/model/image/platform.ts';
import { familiarName } from '../../../core/model/image/reference.ts';
import { formatAge, formatSize } from '../../../core/model/quantity.ts';
import { type ImageView, type ImportedView, imageView, importedView } from '../../../core/view/image-view.ts';
import { dockerImage } from '../docker/docker-names.ts';
import type { Listing } from '../output.ts';
import { sampleImage } from '../samples.ts';
import { namesOf } from './image-view.ts';

interface ImageListOptions {
  /** Whole digests. */
  full?: boolean;
  /** Also those by which registries know the images. */
  digests?: boolean;
  /** Which of its names an image is shown by, where it has several. Default: all. */
  isAsked?: (reference: string) => boolean;
}

export function imageListing(
  images: ImageInfo[],
  now: number,
  { full = false, digests = false, isAsked = () => true }: ImageListOptions = {},
): Listing<ImageView> {
  const digest = (image: ImageView): string => (full ? image.digest : shortDigest(image.digest));
  const size = (bytes: number): string => (bytes === 0 ? '' : formatSize(bytes));
  const age = (time: string | null): string => (time === null ? '' : formatAge(now - Date.parse(time)));
  const rows = (image: ImageView): ImageView[] => byName(image, image.references.filter(isAsked));
  return {
    items: images.map(imageView),
    rows,
    sample: sampleImage,
    columns: [
      { title: 'IMAGE', folds: true, value: namesOf },
      { title: 'DIGEST', whole: true, spare: 0, value: digest },
      ...(digests ? [{ title: 'REPO DIGESTS', value: repoDigestsOf }] : []),
      { title: 'SIZE', value: (i) => size(i.size_bytes) },
      { title: 'UNIQUE', spare: 2, value: (i) => size(i.unique_size_bytes) },
      { title: 'AGE', spare: 1, value: (i) => age(i.imported_at) },
      { title: 'USED BY', spare: 3, value: (i) => String(i.used_by.length) },
      { title: 'CREATED', wide: true, value: (i) => age(i.created) },
      { title: 'PLATFORM', wide: true, value: formatPlatform },
    ],
    name: (i) => i.references[0] ?? i.digest,
    id: digest,
    docker: (i) => rows(i).map((row) => dockerImage(row, { now, full })),
  };
}

export const importedListing = (images: ImportedImage[], now: number): Listing<ImportedView> => ({
  ...imageListing(images, now),
  items: images.map(importedView),
  rows: (image) => byName(image, image.loaded).map((row) => ({ ...row, loaded: row.references })),
  sample: { ...sampleImage, loaded: [] },
  name: ({ loaded, digest }) => loaded[0] ?? digest,
});

/** A row by each of the names, as `docker images` has them; the image as it is where there is none. */
const byName = <T extends ImageView>(image: T, names: string[]): T[] =>
  names.length === 0 ? [image] : names.map((name) => ({ ...image, references: [name] }));

const repoDigestsOf = ({ repo_digests }: ImageView): string =>
  repo_digests.map((name) => familiarName(name)).join(', ');
