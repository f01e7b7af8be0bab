import type {
  ImageDetails,
  ImageInfo,
  ImportedImage,
  PruneResult,
  RemovedImage,
} from '../model/image/image.ts';
import type {
  ImportRequest,
  LoginRequest,
  PruneRequest,
  PullRequest,
} from '../model/image/image-requests.ts';
import type { LayerProgress, PullEvent } from '../model/image/pull.ts';
import type { CallOptions } from './sandbox-api.ts';

export interface ImportOptions extends CallOptions {
  /** Told of every change of a layer, and now and then of its bytes. Called no more once the import has ended. */
  onLayer?: (layer: LayerProgress) => void;
}

/** Images of a core. */
export interface ImageApi {
  /**
   * Brings an image from its registry. All who ask for the same one at the same time share one pull; it goes on while
   * anybody still reads.
   * @throws invalid_argument, image_not_found (the registry has none, or none for the platform), bad_image, unauthenticated, denied, unavailable (the
   *   registry cannot be reached), no_capacity (disk full); on reading
   */
  pull(request: PullRequest, options?: CallOptions): AsyncIterable<PullEvent>;
  /** The images that came in. @throws invalid_argument, not_found (no such file), no_capacity */
  import(request: ImportRequest, options?: ImportOptions): Promise<ImportedImage[]>;
  /** `host` first, unless it cannot be built now, then by reference. */
  list(options?: CallOptions): Promise<ImageInfo[]>;
  /** @throws image_not_found */
  inspect(reference: string, options?: CallOptions): Promise<ImageDetails>;
  /**
   * Gives the image that `source` means, a reference or digest, one more name. Another image that had it loses it.
   * @throws image_not_found, invalid_argument (no name, or one by digest; host), conflict (of host)
   */
  tag(source: string, target: string, options?: CallOptions): Promise<void>;
  /**
   * By reference or digest: takes a name off, and removes the image with its last one. With `force` all names of a
   * digest, and also when sandboxes use it or
   * pools keep it warm: it loses its names then, and goes when the last of them has ended.
   * @throws image_not_found, conflict (in use; several names)
   */
  remove(reference: string, options?: CallOptions & { force?: boolean }): Promise<RemovedImage>;
  /** Removes what nothing uses, and what interrupted pulls have left. */
  prune(request: PruneRequest, options?: CallOptions): Promise<PruneResult>;
  /**
   * The bytes of one tar that is an OCI archive and what docker load reads.
   * @throws image_not_found, unsupported (host), bad_image (the disk has damaged it); on reading
   */
  save(references: string[], options?: CallOptions): AsyncIterable<Buffer>;
  /**
   * Asks the registry whether the credentials are good.
   * @returns what to keep instead of the password, where the registry gives something
   * @throws unauthenticated, unavailable
   */
  login(request: LoginRequest, options?: CallOptions): Promise<{ identityToken?: string }>;
}
