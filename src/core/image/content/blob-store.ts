/** What a blob should be. */
export interface BlobTerms {
  /** `sha256:...` */
  digest: string;
  /** Bytes, when it is known. */
  size?: number;
}

export interface FetchOptions {
  /** Told how many bytes are here, those of earlier attempts included. Fewer than before: it began anew. */
  onProgress?: (bytes: number) => void;
  signal?: AbortSignal;
}

/**
 * Layers and documents as they came, by digest, each once. A blob appears by a rename when it is whole and verified;
 * what an interrupted download has left is kept, and the next one goes on from there.
 */
export interface BlobStore {
  /** Undefined when it is not here. */
  pathOf(digest: string): string | undefined;
  /** Bytes; 0 when it is not here. */
  sizeOf(digest: string): number;
  /**
   * Makes sure that a blob is here. Of several callers at once one reads it, the others see its progress and wait; when
   * that one fails, the next goes on with its own source.
   * @param read the bytes from an offset on
   * @returns its path
   * @throws invalid_argument (wrong digest), no_capacity (disk full: nothing of it stays), what read() throws
   */
  ensure(
    terms: BlobTerms,
    read: (offset: number) => AsyncIterable<Buffer>,
    options?: FetchOptions,
  ): Promise<string>;
  /** Stores bytes whose digest nobody knows yet. @throws no_capacity, what the content throws */
  add(content: AsyncIterable<Buffer>, signal?: AbortSignal): Promise<{ digest: string; size: number }>;
  /**
   * Keeps blobs from being collected until the returned function is called, also those that are yet to come: from
   * before the first ensure() until the record that refers to them is durable. Without digests: all of them.
   */
  pin(digests?: Iterable<string>): () => void;
}
