import { FsbError } from '../../model/failure/errors.ts';
import { canonicalReference, HOST_IMAGE, parseReference } from '../../model/image/reference.ts';
import type { FoundImage } from '../format/found-image.ts';

export interface NamedImage {
  image: FoundImage;
  /** Canonical; none for an image that is known by its digest only. */
  references: string[];
  /** `docker.io/library/alpine@sha256:...`: what its registry calls it. */
  repoDigests: string[];
}

/**
 * Which names the images of one file get: those in the file, or the one that the user gave. An image that has none in
 * the file, as `image save` by a digest writes it, comes in without one, as with docker load.
 * @throws invalid_argument when an image has half a name, or one name was given for several
 */
export function nameImages(images: FoundImage[], given?: string): NamedImage[] {
  if (images.length === 0) throw new FsbError('invalid_argument', 'there is no image in it');
  if (given === undefined) return images.map((image) => named(image, ownNames(image)));
  assertNotHost(given);
  const reference = parseReference(given);
  if (images.length > 1) return severalOfOneName(images, given);
  const { digest } = images[0]!.manifest;
  if (reference.digest !== undefined && reference.digest !== digest)
    throw new FsbError('invalid_argument', `the image in it is ${digest}, not ${reference.digest}`);
  return [named(images[0]!, [canonicalReference(reference)])];
}

/** @throws invalid_argument */
export function assertNotHost(name: string): void {
  if (name === HOST_IMAGE)
    throw new FsbError('invalid_argument', 'host is the built-in image and cannot be replaced', {
      hint: 'Choose another name.',
    });
}

const named = (image: FoundImage, references: string[]): NamedImage => ({
  image,
  references,
  repoDigests: [],
});

function ownNames(image: FoundImage): string[] {
  if (image.names.length === 0 && image.tag !== undefined)
    throw new FsbError(
      'invalid_argument',
      `the image ${image.manifest.digest.slice(0, 19)} in it has no name, only the tag ${image.tag}`,
      { hint: 'Give it one: fsb-ctl image import FILE NAME' },
    );
  return image.names.map((name) => canonicalReference(parseReference(name)));
}

/** A layout is one repository with tags: NAME and the tags together name each image. */
function severalOfOneName(images: FoundImage[], given: string): NamedImage[] {
  const { tag, digest, ...repository } = parseReference(given);
  const hasOwnSuffix = digest !== undefined || tag !== 'latest' || given.endsWith(':latest');
  return images.map((image) => {
    if (hasOwnSuffix || image.tag === undefined)
      throw new FsbError(
        'invalid_argument',
        `there are ${images.length} images in it, and ${given} can name only one`,
        {
          hint: 'Leave the name away to import all by the names in the file.',
        },
      );
    return named(image, [canonicalReference({ ...repository, tag: image.tag })]);
  });
}
