import type { ImageRecord } from './image-record.ts';

export interface ImageParts {
  blobs: ReadonlySet<string>;
  layers: ReadonlySet<string>;
}

/** Manifest, configuration, layers, and indexes that led to it. Images of earlier versions have no blobs. */
export function partsOf({ digest, configDigest, layers, repoDigests }: ImageRecord): ImageParts {
  const indexes = repoDigests.map((name) => name.slice(name.indexOf('@') + 1));
  const blobs = new Set([digest, configDigest, ...layers.map((layer) => layer.digest), ...indexes]);
  blobs.delete('');
  return { blobs, layers: new Set(layers.map(({ diffId }) => diffId)) };
}

type Images = ReadonlyMap<string, ImageRecord>;

/**
 * How many images have a blob, or a layer. Counted when a record changes: to walk all records for every blob kept the
 * core's thread for a third of a second.
 */
export class Usage {
  readonly #blobs = new Map<string, number>();
  readonly #layers = new Map<string, number>();

  hasBlob(digest: string): boolean {
    return this.#blobs.has(digest);
  }

  hasLayer(diffId: string): boolean {
    return this.#layers.has(diffId);
  }

  /** Of records that are the same object nothing is counted anew. */
  change(before: Images, after: Images): void {
    for (const [digest, record] of after) if (before.get(digest) !== record) this.#count(record, 1);
    for (const [digest, record] of before) if (after.get(digest) !== record) this.#count(record, -1);
  }

  #count(record: ImageRecord, by: number): void {
    const { blobs, layers } = partsOf(record);
    for (const digest of blobs) add(this.#blobs, digest, by);
    for (const diffId of layers) add(this.#layers, diffId, by);
  }
}

function add(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
