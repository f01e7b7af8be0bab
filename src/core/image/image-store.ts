import type { ImageInfo, ResolvedImage } from '../model/image.ts';

/** Images on this node: named by reference, addressed by digest, unpacked once. */
export interface ImageStore {
  /**
   * `host`, a short name (`alpine` is docker.io/library/alpine:latest), a full reference or a digest.
   * @throws invalid_argument (no reference), not_found with a hint how to get it and a did-you-mean
   */
  resolve(reference: string): Promise<ResolvedImage>;
  /**
   * Keeps the image and its layers from being removed until the returned function is called. Idempotent release.
   * @throws not_found when it is just being removed
   */
  hold(digest: string): () => void;
  /**
   * OCI layout directory, OCI archive or docker-save tar; gzip or plain. Publishes an image whole or not at all.
   * @throws invalid_argument (what is wrong with the file), not_found (no such file)
   */
  import(path: string, name?: string, signal?: AbortSignal): Promise<ImageInfo[]>;
  /** `host` first, then by reference. */
  list(): Promise<ImageInfo[]>;
  /**
   * Removes a reference; the layers go with the last one.
   * @param letGo called with the digest before an image goes with its last name, to end holds that nobody needs
   * @throws not_found, conflict (held), what letGo throws
   */
  remove(reference: string, letGo?: (digest: string) => Promise<void>): Promise<ImageInfo>;
}
