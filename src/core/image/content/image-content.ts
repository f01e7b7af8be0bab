import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import { digestOfHex } from '../../model/image/digest.ts';
import type { Launch } from '../launch.ts';
import { Garbage } from './garbage.ts';
import { type ImageRecord, ImageRecords } from './image-records.ts';
import { LayerStore } from './layer-store.ts';
import { LocalBlobStore } from './local-blob-store.ts';
import { RecordsFile } from './records-file.ts';
import { Reserve } from './reserve.ts';
import { type ImageSize, sizesOf } from './sizes.ts';
import { makeSpread } from './spread.ts';
import { Unlisted } from './unlisted.ts';
import { partsOf } from './usage.ts';

export interface ContentOptions {
  /** Everything is kept in it. */
  root: string;
  /** Milliseconds for which what no image has stays, so that an interrupted pull can be taken up. */
  grace: number;
  launch: Launch;
  clock: Clock;
  log: Logger;
}

type Parts = Pick<ImageContent, 'records' | 'blobs' | 'layers'> & { reserve: Reserve; unlisted: Unlisted };

/** What is on the disk: records, and blobs and unpacked layers, of which those that no record refers to go in the end. */
export class ImageContent {
  readonly root: string;
  /** On the same file system, emptied by open(). */
  readonly staging: string;
  /** A directory with nothing in it: an overlay needs one, and an image may have no layer. */
  readonly empty: string;
  readonly records: ImageRecords;
  readonly blobs: LocalBlobStore;
  readonly layers: LayerStore;
  readonly #options: ContentOptions;
  readonly #reserve: Reserve;
  readonly #unlisted: Unlisted;
  readonly #garbage: Garbage;

  private constructor(options: ContentOptions, { records, blobs, layers, reserve, unlisted }: Parts) {
    this.#options = options;
    this.root = options.root;
    this.staging = join(options.root, 'staging');
    this.empty = join(options.root, 'empty');
    this.records = records;
    this.blobs = blobs;
    this.layers = layers;
    this.#reserve = reserve;
    this.#unlisted = unlisted;
    this.#garbage = new Garbage({
      clock: options.clock,
      nextDue: () => this.#nextDue(),
      collect: () => this.#collectDue(),
    });
  }

  /**
   * Removes what a crash left half-done. When the list of images is damaged it starts with the list before, or with
   * none, and keeps everything until unlisted content is collected: running instances may need it.
   */
  static async open(options: ContentOptions): Promise<ImageContent> {
    const { root, clock, log, launch, grace } = options;
    const staging = join(root, 'staging');
    // 0700: unpacked images have setuid programs, also vulnerable ones, that no user of the machine may run.
    await mkdir(root, { recursive: true, mode: 0o700 });
    await makeSpread(staging, launch, log);
    await mkdir(join(root, 'empty'), { recursive: true });
    for (const leftover of await readdir(staging))
      await rm(join(staging, leftover), { recursive: true, force: true });
    const reserve = new Reserve(join(root, 'reserve'));
    const unlisted = await Unlisted.open(join(root, 'keep-unlisted'));
    const file = new RecordsFile(join(root, 'images.json'), log);
    const read = await file.read(() => unlisted.keep());
    const records = await ImageRecords.open(file, reserve, read, clock);
    const believed = new Set(records.all().flatMap((record) => [...partsOf(record).blobs]));
    let content: ImageContent | undefined;
    const common = { clock, log, onLeftover: () => content?.watchLeftovers() };
    const blobs = await LocalBlobStore.open({ ...common, root, believed });
    const layers = await LayerStore.open({
      ...{ ...common, root: join(root, 'layers'), staging },
      isNamed: (id) => records.all().some((record) => hasLayerOf(record, id)),
      keepsUnknown: () => unlisted.isKept,
    });
    content = new ImageContent(options, { records, blobs, layers, reserve, unlisted });
    // Of layers that no image has, a power cut may have left empty files.
    if (!unlisted.isKept)
      await layers.collect({ isUsed: content.#isLayerUsed, before: Number.POSITIVE_INFINITY });
    await content.collect(grace);
    await reserve.fill();
    content.watchLeftovers();
    return content;
  }

  /** Keeps content until the returned function is called: from before it comes until the record of it is durable. */
  pin({ blobs, layers }: { blobs?: Iterable<string>; layers: Iterable<string> }): () => void {
    const unpins = [this.blobs.pin(blobs), this.layers.pin(layers)];
    return () => {
      for (const unpin of unpins) unpin();
    };
  }

  /** How many bytes an image has, and has alone; of the records as they are now. */
  sizes(): (record: ImageRecord) => ImageSize {
    return sizesOf(this.records.all(), this.layers, this.blobs);
  }

  /** Removes what an image had alone, whose record is gone. @returns bytes */
  async drop(record: ImageRecord): Promise<number> {
    const { blobs, layers } = partsOf(record);
    const before = Number.POSITIVE_INFINITY;
    const ofLayers = await this.dropLayers(layers);
    const ofBlobs = await this.blobs.collect({ isUsed: this.#isBlobUsed, before, only: blobs });
    await this.#reserve.fill();
    return ofLayers + ofBlobs;
  }

  /** Removes layers that no image has. @returns bytes */
  dropLayers(diffIds: Iterable<string>): Promise<number> {
    const before = Number.POSITIVE_INFINITY;
    return this.layers.collect({ isUsed: this.#isLayerUsed, before, only: new Set(diffIds) });
  }

  /** Removes what no image has, and nobody has wanted for some milliseconds. @returns bytes */
  async collect(age: number): Promise<number> {
    if (this.#unlisted.isKept) return 0;
    const before = this.#before(age);
    const freed = await this.layers.collect({ isUsed: this.#isLayerUsed, before });
    return freed + (await this.blobs.collect({ isUsed: this.#isBlobUsed, before }));
  }

  /** After the list of images was lost: what it had may go from now on. To be called when nothing runs on it. */
  giveUpUnlisted(): Promise<void> {
    return this.#unlisted.giveUp();
  }

  /** What collect() would remove now, in bytes. */
  leftovers(age: number): number {
    const before = this.#before(age);
    return (
      this.layers.collectable({ isUsed: this.#isLayerUsed, before }) +
      this.blobs.collectable({ isUsed: this.#isBlobUsed, before })
    );
  }

  /** To be called when there may be more that no image has than before. */
  watchLeftovers(): void {
    this.#garbage.watch();
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.#garbage.close();
  }

  #before(age: number): number {
    return age === 0 ? Number.POSITIVE_INFINITY : this.#options.clock.monotonic() - age;
  }

  async #collectDue(): Promise<void> {
    const { grace, log } = this.#options;
    try {
      const freed = await this.collect(grace);
      if (freed > 0) log.info({ freed }, 'removed what interrupted pulls had left');
    } catch (error) {
      log.warn({ err: error }, 'cannot remove what interrupted pulls have left');
      throw error;
    }
  }

  #nextDue(): number | undefined {
    if (this.#unlisted.isKept) return undefined;
    const { grace } = this.#options;
    const dues = [
      this.layers.nextDue(this.#isLayerUsed, grace),
      this.blobs.nextDue(this.#isBlobUsed, grace),
    ].filter((due) => due !== undefined);
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  readonly #isLayerUsed = (diffId: string): boolean => this.records.hasLayer(diffId);

  readonly #isBlobUsed = (digest: string): boolean => this.records.hasBlob(digest);
}

const hasLayerOf = ({ layers }: ImageRecord, id: string): boolean =>
  layers.some(({ diffId }) => diffId.startsWith(digestOfHex(id)));
