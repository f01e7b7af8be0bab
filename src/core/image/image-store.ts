import type {
  ImageDetails,
  ImageInfo,
  ImportedImage,
  PruneResult,
  RemovedImage,
  ResolvedImage,
} from '../model/image/image.ts';
import type {
  ImportRequest,
  LoginRequest,
  PruneRequest,
  PullRequest,
} from '../model/image/image-requests.ts';
import type { LayerProgress, PullEvent } from '../model/image/pull.ts';

/** How whoever has pools takes part in the removal of an image. */
export interface RemoveTerms {
  /** All names of it, and although it is held. */
  force?: boolean;
  /** Called with the digest before an image goes with its last name, to end holds that nobody needs. */
  letGo?: (digest: string) => Promise<void>;
  /** Ends the wait for letGo, and what would come after it. */
  signal?: AbortSignal;
  /** Who has an instance of it that must not be ended, as people know them: `default/box`. */
  usersOf?: (digest: string) => string[];
}

export interface PruneTerms {
  /** Whether to spare it, though nothing holds it now. */
  keep?: (image: ImageInfo) => boolean;
  letGo?: (digest: string) => Promise<void>;
  /** Ends the wait for letGo, and what would come after it. */
  signal?: AbortSignal;
}

/** Bytes: of all images, of those that nothing uses, and of what interrupted pulls have left. */
export interface ImageStoreUsage {
  size: number;
  reclaimable: number;
  leftovers: number;
}

/** Images on this node: named by reference, addressed by digest, unpacked once. `usedBy` is empty in what it tells. */
export interface ImageStore {
  /**
   * `host`, a short name (`alpine` is docker.io/library/alpine:latest), a full reference or a digest.
   * @param digest of the image that it is to be, whatever the name means by now
   * @throws invalid_argument (no reference), image_not_found with a hint how to get it and a did-you-mean
   */
  resolve(reference: string, digest?: string): Promise<ResolvedImage>;
  /**
   * Keeps the image and its layers from being removed until the returned function is called. Idempotent release.
   * @throws image_not_found when it is just being removed
   */
  hold(digest: string): () => void;
  /** As ImageApi.pull. */
  pull(request: PullRequest, signal?: AbortSignal): AsyncIterable<PullEvent>;
  /** As ImageApi.import. Publishes each image whole or not at all. */
  import(
    request: ImportRequest,
    signal?: AbortSignal,
    onLayer?: (layer: LayerProgress) => void,
  ): Promise<ImportedImage[]>;
  /** As ImageApi.tag. */
  tag(source: string, target: string): Promise<void>;
  /** `host` first, unless it cannot be built now, then by reference. */
  list(): Promise<ImageInfo[]>;
  /** @throws image_not_found */
  inspect(reference: string): Promise<ImageDetails>;
  /** As ImageApi.remove. @throws what letGo throws, too */
  remove(reference: string, terms?: RemoveTerms): Promise<RemovedImage>;
  /** As ImageApi.prune. */
  prune(request: PruneRequest, terms?: PruneTerms): Promise<PruneResult>;
  /** As ImageApi.save. */
  save(references: string[], signal?: AbortSignal): AsyncIterable<Buffer>;
  /** As ImageApi.login. */
  login(request: LoginRequest, signal?: AbortSignal): Promise<{ identityToken?: string }>;
}

/** The store of the oci driver: images unpacked into directories that overlayfs mounts. */
export interface LocalImageStore extends ImageStore {
  /**
   * Removes what nobody needs any more of the host image, and images that were removed while they were in use. To be
   * called once after start, when everything that lives is held again: before that the store cannot know what running
   * instances use, and nothing of it goes.
   */
  sweep(): Promise<void>;
  usage(isUsed: (digest: string) => boolean): ImageStoreUsage;
  /**
   * Calls back when names have come to mean other images (the machine changed, an import took a name over) or something
   * at all (an import), with the digests that they meant before; returns the way to stop.
   */
  onNamesChanged(listener: (replaced: readonly string[]) => void): () => void;
  /**
   * Aborts pulls, imports and removals, and waits for their end, for five seconds: what a killed core leaves of them
   * the next one puts in order, too. Idempotent.
   */
  close(): Promise<void>;
}
