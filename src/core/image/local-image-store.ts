import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, resolve as resolvePath } from 'node:path';
import type { Logger } from 'pino';
import { type Clock, systemClock } from '../model/clock.ts';
import { FsbError, throwIfAborted } from '../model/errors.ts';
import type { ImageDetails, ImageInfo, PruneResult, RemovedImage, ResolvedImage } from '../model/image.ts';
import type { ImportRequest, LoginRequest, PruneRequest, PullRequest } from '../model/image-requests.ts';
import { machineArchitecture, type Platform } from '../model/platform.ts';
import type { PullEvent } from '../model/pull.ts';
import { canonicalReference, HOST_IMAGE, isDigest, parseReference } from '../model/reference.ts';
import { openArchive, readArchive } from './archive/read-archive.ts';
import { Holds } from './content/holds.ts';
import { type ImageRecord, ImageRecords } from './content/image-records.ts';
import { LayerStore } from './content/layer-store.ts';
import { HostImage } from './host/host-image.ts';
import { type NamedImage, nameImages } from './image-names.ts';
import type { ImageStore, RemoveTerms } from './image-store.ts';
import { importError } from './import-error.ts';
import { flushToDisk, ingestLayers } from './ingest.ts';
import { findRecord, imageNotFound } from './lookup.ts';
import { assertOneName, inUse } from './removal.ts';
import type { UnpackLimits } from './unpack/unpack-layer.ts';
import type { Unpacker } from './unpack/unpacker.ts';
import { createUnpacker } from './unpack/worker-unpacker.ts';

export interface ImageStoreOptions {
  /** CorePaths.state; everything is kept in `images` below it. */
  stateDir: string;
  log: Logger;
  /** guest/build/fsb-launch */
  launchBinary: string;
  /** As OCI says it (`amd64`); this machine's when absent. */
  architecture?: string;
  /** Root of the machine that the host image shows; `/` when absent. */
  hostRoot?: string;
  clock?: Clock;
  /** What one layer may unpack to. */
  limits?: UnpackLimits;
}

/** The store of the oci driver: images unpacked into directories that overlayfs mounts. */
export interface LocalImageStore extends ImageStore {
  /**
   * Removes what nobody needs any more of the host image. To be called once after start, when everything that lives
   * is held again: before that the store cannot know what running instances use.
   */
  sweep(): Promise<void>;
  /**
   * Calls back when names have come to mean other images (the machine changed, an import took a name over) or something
   * at all (an import), with the digests that they meant before; returns the way to stop.
   */
  onNamesChanged(listener: (replaced: readonly string[]) => void): () => void;
  /** Aborts imports and waits for their end. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the store, and removes what a crash left half-done in it. One core at a time may have it open.
 * @throws internal when its list of images is damaged
 */
export async function createImageStore(options: ImageStoreOptions): Promise<LocalImageStore> {
  const root = join(options.stateDir, 'images');
  const staging = join(root, 'staging');
  // 0700: unpacked images have setuid programs, also vulnerable ones, that no user of the machine may run.
  await mkdir(root, { recursive: true, mode: 0o700 });
  await mkdir(staging, { recursive: true });
  for (const leftover of await readdir(staging))
    await rm(join(staging, leftover), { recursive: true, force: true });
  const records = await ImageRecords.open(join(root, 'images.json'));
  const layers = await LayerStore.open(join(root, 'layers'), staging, options.log);
  const store = new OverlayImageStore(options, root, records, layers);
  await layers.removeUnused(usedBy(records));
  return store;
}

/** Asked anew for each layer: an image that was added meanwhile may have it. */
const usedBy =
  (records: ImageRecords) =>
  (diffId: string): boolean =>
    records.all().some(({ layers }) => layers.some((layer) => layer.diffId === diffId));

class OverlayImageStore implements LocalImageStore {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #platform: Platform;
  readonly #limits?: UnpackLimits;
  readonly #unpacker: Unpacker;
  readonly #root: string;
  readonly #staging: string;
  readonly #records: ImageRecords;
  readonly #layers: LayerStore;
  readonly #host: HostImage;
  readonly #holds = new Holds();
  /** Images whose removal has begun: nobody may begin to use them. */
  readonly #leaving = new Set<string>();
  readonly #namesListeners = new Set<(replaced: readonly string[]) => void>();
  readonly #closing = new AbortController();
  readonly #imports = new Set<Promise<unknown>>();

  constructor(options: ImageStoreOptions, root: string, records: ImageRecords, layers: LayerStore) {
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
    this.#platform = { os: 'linux', architecture: options.architecture ?? machineArchitecture() };
    this.#limits = options.limits;
    this.#unpacker = createUnpacker({ launchBinary: options.launchBinary, clock: this.#clock });
    this.#root = root;
    this.#staging = join(root, 'staging');
    this.#records = records;
    this.#layers = layers;
    const { clock, log } = { clock: this.#clock, log: this.#log };
    const hostRoot = options.hostRoot ?? '/';
    this.#host = new HostImage({
      directory: join(root, 'host'),
      staging: this.#staging,
      hostRoot,
      replaced: (digest) => this.#tellNamesChanged([digest]),
      clock,
      log,
    });
  }

  async resolve(reference: string): Promise<ResolvedImage> {
    if (reference === HOST_IMAGE) return this.#host.resolve();
    const host = this.#host.withDigest(reference);
    if (host !== undefined) return host;
    const record = this.#find(reference);
    // An overlay refuses a directory twice. A layer that comes again hides all that its first time brought.
    const diffIds = new Set(record.layers.map(({ diffId }) => diffId).reverse());
    const lower = [...diffIds].map((diffId) => this.#layers.pathOf(diffId));
    if (lower.includes(undefined))
      throw new FsbError('internal', `image ${reference} has lost a layer`, { hint: 'Import it again.' });
    return {
      // People know it by its name, also where only the digest is on record.
      reference: isDigest(reference) ? (record.references[0] ?? reference) : canonicalOr(reference, record),
      digest: record.digest,
      platform: platformOf(record),
      config: record.config,
      root: { overlays: [{ target: '/', lower: lower as string[] }], directories: record.config.volumes },
    };
  }

  hold(digest: string): () => void {
    if (this.#leaving.has(digest)) throw imageNotFound(this.#records.all(), digest);
    return this.#holds.add(digest, () => {
      if (this.#records.get(digest) !== undefined) return;
      this.sweep().catch((error: unknown) =>
        this.#log.warn({ err: error }, 'cannot remove an old host image'),
      );
    });
  }

  onNamesChanged(listener: (replaced: readonly string[]) => void): () => void {
    this.#namesListeners.add(listener);
    return () => this.#namesListeners.delete(listener);
  }

  #tellNamesChanged(replaced: readonly string[]): void {
    for (const listener of this.#namesListeners) listener(replaced);
  }

  import({ source, name }: ImportRequest, signal?: AbortSignal): Promise<ImageInfo[]> {
    const path = 'path' in source ? source.path : '';
    const either = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
    const importing = this.#import(resolvePath(path), name, either);
    this.#imports.add(importing);
    const done = (): void => void this.#imports.delete(importing);
    importing.then(done, done);
    return importing;
  }

  async list(): Promise<ImageInfo[]> {
    const host = await this.#host.resolve();
    const images = this.#records.all().map((record) => this.#info(record));
    return [
      this.#hostInfo(host.digest),
      ...images.sort((a, b) => compare(a.references[0] ?? '~', b.references[0] ?? '~')),
    ];
  }

  // biome-ignore lint/correctness/useYield: to be written
  async *pull(_request: PullRequest): AsyncGenerator<PullEvent> {
    throw new FsbError('unsupported', 'not yet');
  }

  async inspect(_reference: string): Promise<ImageDetails> {
    throw new FsbError('unsupported', 'not yet');
  }

  async prune(_request: PruneRequest): Promise<PruneResult> {
    throw new FsbError('unsupported', 'not yet');
  }

  // biome-ignore lint/correctness/useYield: to be written
  async *save(_references: string[]): AsyncGenerator<Buffer> {
    throw new FsbError('unsupported', 'not yet');
  }

  async login(_request: LoginRequest): Promise<{ identityToken?: string }> {
    throw new FsbError('unsupported', 'not yet');
  }

  async remove(reference: string, { letGo }: RemoveTerms = {}): Promise<RemovedImage> {
    if (reference === HOST_IMAGE)
      throw new FsbError('conflict', 'the host image is built in and cannot be removed');
    const record = this.#find(reference);
    const info = this.#info(record);
    const name = record.references.find((known) => known === canonicalOr(reference, record));
    if (name !== undefined && record.references.length > 1) {
      await this.#records.untag(record.digest, name);
      return { image: info, untagged: [name], deleted: false, freed: 0 };
    }
    assertOneName(record, reference);
    await letGo?.(record.digest);
    await this.#removeWhole(record.digest, reference);
    this.#log.info({ image: record.digest, references: record.references }, 'image removed');
    return { image: info, untagged: record.references, deleted: true, freed: info.size };
  }

  async sweep(): Promise<void> {
    await this.#host.removeOld((digest) => this.#holds.has(digest));
  }

  async close(): Promise<void> {
    this.#closing.abort(new FsbError('unavailable', 'the core is shutting down'));
    await Promise.allSettled(this.#imports);
    await this.#unpacker.close();
  }

  async #import(path: string, name: string | undefined, signal: AbortSignal): Promise<ImageInfo[]> {
    throwIfAborted(signal);
    if (name !== undefined && name !== HOST_IMAGE) parseReference(name);
    try {
      const source = await openArchive(path, this.#staging, signal);
      try {
        const named = nameImages(await readArchive(source, this.#platform), name);
        return await this.#ingest(named, signal);
      } finally {
        await source.close();
      }
    } catch (error) {
      throw importError(error, path, signal);
    }
  }

  async #ingest(named: NamedImage[], signal: AbortSignal): Promise<ImageInfo[]> {
    const unpin = this.#layers.pin(named.flatMap(({ image }) => image.layers.map(({ diffId }) => diffId)));
    try {
      for (const { image } of named)
        await ingestLayers(image, this.#layers, { unpacker: this.#unpacker, limits: this.#limits, signal });
      await flushToDisk(this.#root);
      throwIfAborted(signal);
      await this.#addRecords(named.map((one) => this.#recordOf(one)));
    } finally {
      unpin();
      await this.#removeUnusedLayers();
    }
    const infos = named.map(({ image }) => this.#info(this.#records.get(image.digest)!));
    this.#log.info({ images: infos.flatMap(({ references }) => references) }, 'images imported');
    return infos;
  }

  async #addRecords(records: ImageRecord[]): Promise<void> {
    const names = records.flatMap(({ references }) => references);
    const before = names.map((name) => this.#records.byReference(name)?.digest);
    await this.#records.add(records);
    const replaced = before.filter(
      (digest, index) => digest !== undefined && this.#records.byReference(names[index]!)?.digest !== digest,
    );
    this.#tellNamesChanged([...new Set(replaced as string[])]);
  }

  #recordOf({ image, references }: NamedImage): ImageRecord {
    return {
      digest: image.digest,
      references,
      config: image.config,
      layers: image.layers.map(({ diffId }) => ({ digest: '', diffId, mediaType: '', size: 0 })),
      ...{ mediaType: '', configDigest: '', repoDigests: [], variant: '', createdAt: 0 },
      architecture: image.architecture,
      importedAt: this.#clock.now(),
    };
  }

  async #removeUnusedLayers(): Promise<void> {
    await this.#layers.removeUnused(usedBy(this.#records));
  }

  async #removeWhole(digest: string, reference: string): Promise<void> {
    // Looked up anew: it may have got another name, or have gone, in the meantime.
    assertOneName(this.#find(digest), reference);
    if (this.#holds.has(digest)) throw inUse(reference);
    // In the tick of the check: a boot that begins while the list is written would lose its layers.
    this.#leaving.add(digest);
    try {
      await this.#records.remove(digest);
      await this.#removeUnusedLayers();
    } finally {
      this.#leaving.delete(digest);
    }
  }

  #find(reference: string): ImageRecord {
    const records = this.#records.all().filter(({ digest }) => !this.#leaving.has(digest));
    const record = findRecord(records, reference);
    if (record === undefined) throw imageNotFound(records, reference);
    return record;
  }

  #info(record: ImageRecord): ImageInfo {
    const { digest, references, architecture, importedAt } = record;
    const size = [...new Set(record.layers.map(({ diffId }) => diffId))].reduce(
      (sum, diffId) => sum + this.#layers.sizeOf(diffId),
      0,
    );
    return {
      ...{ references, repoDigests: [], digest, size, uniqueSize: size },
      ...{ architecture, variant: '', createdAt: 0, importedAt, usedBy: [] },
    };
  }

  #hostInfo(digest: string): ImageInfo {
    const { architecture } = this.#platform;
    return {
      ...{ references: [HOST_IMAGE], repoDigests: [], digest, size: 0, uniqueSize: 0 },
      ...{ architecture, variant: '', createdAt: 0, importedAt: this.#host.builtAt, usedBy: [] },
    };
  }
}

/** Of one that an earlier version imported no variant is known. */
const platformOf = ({ architecture, variant }: ImageRecord): Platform => ({
  ...{ os: 'linux', architecture },
  ...(variant !== '' && { variant }),
});

/** The canonical name when the text is one that the image has; else its first name, or its digest. */
function canonicalOr(text: string, record: ImageRecord): string {
  try {
    const canonical = canonicalReference(parseReference(text));
    if (record.references.includes(canonical)) return canonical;
  } catch {
    // A short digest is no name.
  }
  return record.references[0] ?? record.digest;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
