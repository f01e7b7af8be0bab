import type { RegistryCredentials } from '../../model/image/image-requests.ts';
import type { ImageReference } from '../../model/image/reference.ts';

/** A document of a registry: a manifest, an index. */
export interface RemoteManifest {
  mediaType: string;
  /** Of `body`; verified against what was asked for by digest, and against what the registry says of itself. */
  digest: string;
  body: Buffer;
}

/** What a manifest says of a blob. */
export interface RemoteBlob {
  digest: string;
  /** Bytes. */
  size: number;
  /** Where else it may be, for layers that registries must not hand out. */
  urls?: readonly string[];
}

export interface ReadOptions {
  /** Bytes at the beginning that are not wanted: they are here already. */
  offset?: number;
  /** Told in words when something failed that is tried again. */
  onRetry?: (why: string) => void;
  signal?: AbortSignal;
}

/** One repository, on its registry or on the mirrors of it. Every call retries what may go better the next time. */
export interface RemoteRepository {
  /**
   * What a tag or a digest means by now, which costs less than its manifest. Undefined: the registry does not tell, or
   * fails; manifest() finds out more.
   * @throws the signal's reason
   */
  digestOf(reference: string, options?: Omit<ReadOptions, 'offset'>): Promise<string | undefined>;
  /**
   * @param reference a tag or a digest
   * @throws image_not_found, unauthenticated, denied, unavailable, invalid_argument (it lies about digests)
   */
  manifest(reference: string, options?: Omit<ReadOptions, 'offset'>): Promise<RemoteManifest>;
  /**
   * The bytes from `offset` on, without a gap however often the connection is cut. Their digest is for the caller to
   * check, who has the beginning. Asked again for a blob that came whole, it passes over the mirrors that gave it: their
   * bytes were wrong.
   * @throws as manifest(), on reading; not_found when the registry has lost it
   */
  blob(blob: RemoteBlob, options?: ReadOptions): AsyncIterable<Buffer>;
}

/** `outside`: as in PullRequest. */
export interface Registries {
  /** No connection is made before it is needed; errors name the reference. @throws invalid_argument when the configuration is wrong */
  repository(
    reference: ImageReference,
    credentials?: RegistryCredentials,
    outside?: boolean,
  ): Promise<RemoteRepository>;
  /** As ImageApi.login. */
  login(
    registry: string,
    credentials: RegistryCredentials,
    signal?: AbortSignal,
    outside?: boolean,
  ): Promise<{ identityToken?: string }>;
  /** Ends every connection; calls under way fail. Idempotent. */
  close(): Promise<void>;
}
