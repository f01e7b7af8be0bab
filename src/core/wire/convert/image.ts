import { FsbError } from '../../model/failure/errors.ts';
import type {
  ImageConfig,
  ImageDetails,
  ImageHistory,
  ImageInfo,
  ImportedImage,
  PruneResult,
  RemovedImage,
} from '../../model/image/image.ts';
import type {
  ImportRequest,
  LoginRequest,
  PruneRequest,
  PullRequest,
} from '../../model/image/image-requests.ts';
import type {
  ImportDone,
  ImportTerms,
  InspectImageResponse,
  PruneImagesRequest,
  PruneImagesResponse,
  PullImageRequest,
  ImageHistory as WireHistory,
  ImageInfo as WireImage,
  LoginRequest as WireLogin,
  RemovedImage as WireRemoved,
} from '../gen/fsb/v1/image.ts';
import { defined } from './parts.ts';

/** Images, and what is done with them; pulls are in pull.ts. */

export function imageToWire({ importedAt, createdAt, ...image }: ImageInfo): WireImage {
  return { ...image, importedAtMilliseconds: importedAt, createdAtMilliseconds: createdAt };
}

export function imageFromWire(wire: WireImage | undefined): ImageInfo {
  if (wire === undefined) throw new FsbError('internal', 'the core answered without an image');
  const { importedAtMilliseconds, createdAtMilliseconds, ...image } = wire;
  return { ...image, importedAt: importedAtMilliseconds, createdAt: createdAtMilliseconds };
}

export const importedToWire = (images: readonly ImportedImage[]): ImportDone => ({
  images: images.map(({ loaded: _, ...image }) => imageToWire(image)),
  loaded: images.map(({ loaded }) => ({ references: loaded })),
});

export const importedFromWire = ({ images, loaded }: ImportDone): ImportedImage[] =>
  images.map((image, index) => ({
    ...imageFromWire(image),
    // An earlier version of the core does not tell them.
    loaded: loaded[index]?.references ?? image.references,
  }));

export function imageDetailsToWire(details: ImageDetails): InspectImageResponse {
  const { configDigest, mediaType, author, config, layers, history, ...image } = details;
  return {
    ...{ configDigest, mediaType, author, layers },
    image: imageToWire(image),
    config: { ...config, stopSignal: config.stopSignal },
    history: history.map(historyToWire),
  };
}

export function imageDetailsFromWire(wire: InspectImageResponse): ImageDetails {
  const { configDigest, mediaType, author, config, layers } = wire;
  if (config === undefined) throw new FsbError('internal', 'the core answered without a configuration');
  return {
    ...imageFromWire(wire.image),
    ...{ configDigest, mediaType, author, layers },
    config: defined(config) as ImageConfig,
    history: wire.history.map(historyFromWire),
  };
}

const historyToWire = ({ createdAt, ...step }: ImageHistory): WireHistory => ({
  ...step,
  createdAtMilliseconds: createdAt,
});

const historyFromWire = ({ createdAtMilliseconds, ...step }: WireHistory): ImageHistory => ({
  ...step,
  createdAt: createdAtMilliseconds,
});

export const removedToWire = ({ image, ...removed }: RemovedImage): WireRemoved => ({
  ...removed,
  image: imageToWire(image),
});

export function removedFromWire(wire: WireRemoved | undefined): RemovedImage {
  if (wire === undefined) throw new FsbError('internal', 'the core answered without what it removed');
  return { ...wire, image: imageFromWire(wire.image) };
}

export const pruneToWire = ({
  all,
  olderThan,
  labels = [],
  dryRun = false,
  without = [],
}: PruneRequest): PruneImagesRequest => ({
  ...{ all, dryRun, without },
  labels: labels.map(({ key, value }) => ({ key, value })),
  olderThanMilliseconds: olderThan,
});

export const pruneFromWire = ({
  all,
  olderThanMilliseconds,
  labels,
  dryRun,
  without,
}: PruneImagesRequest): PruneRequest =>
  defined({ all, dryRun, without, labels: labels.map(defined), olderThan: olderThanMilliseconds });

export const prunedToWire = ({ removed, freed }: PruneResult): PruneImagesResponse => ({
  removed: removed.map(removedToWire),
  freed,
});

export const prunedFromWire = ({ removed, freed }: PruneImagesResponse): PruneResult => ({
  removed: removed.map(removedFromWire),
  freed,
});

export const pullRequestToWire = ({ reference, platform, credentials }: PullRequest): PullImageRequest => ({
  ...{ reference, platform },
  credentials: credentials && { ...credentials },
});

export const pullRequestFromWire = ({ reference, platform, credentials }: PullImageRequest): PullRequest =>
  defined({ reference, platform, credentials: credentials && defined(credentials) });

export const loginToWire = ({ registry, credentials }: LoginRequest): WireLogin => ({
  registry,
  credentials: { ...credentials },
});

export const loginFromWire = ({ registry, credentials }: WireLogin): LoginRequest => ({
  registry,
  credentials: defined(credentials ?? {}),
});

export const importTermsToWire = ({ source, name, rootfs }: ImportRequest): ImportTerms => ({
  path: 'path' in source ? source.path : undefined,
  name,
  rootfs: rootfs && { ...rootfs },
});

/** @param content of the file, where the terms have no path */
export const importFromWire = (
  { path, name, rootfs }: ImportTerms,
  content: AsyncIterable<Buffer>,
): ImportRequest =>
  defined({
    source: path === undefined ? { content } : { path },
    name,
    rootfs: rootfs && defined(rootfs),
  });
