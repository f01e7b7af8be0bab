import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { Ages } from './ages.ts';
import type { ImageRecord } from './image-record.ts';
import type { ReadRecords, RecordsFile } from './records-file.ts';
import type { Reserve } from './reserve.ts';
import { Usage } from './usage.ts';

export type { ImageRecord } from './image-record.ts';

/** Whether an image is still as it was when its change was decided. */
type Fits = (image: ImageRecord) => boolean;

/**
 * What images there are, in one file: a name moves from one image to another in one step, or not at all. Changes are
 * made one after the other; reads see the last one that is durable.
 */
export class ImageRecords {
  readonly #file: Pick<RecordsFile, 'write'>;
  #images: ReadonlyMap<string, ImageRecord>;
  readonly #usage = new Usage();
  readonly ages: Ages;
  #last: Promise<void> = Promise.resolve();

  readonly #reserve: Pick<Reserve, 'release' | 'growFor'>;

  private constructor(
    file: Pick<RecordsFile, 'write'>,
    reserve: Pick<Reserve, 'release' | 'growFor'>,
    images: ImageRecord[],
    clock: Clock,
  ) {
    this.#file = file;
    this.#reserve = reserve;
    this.#images = new Map(images.map((image) => [image.digest, image]));
    this.#usage.change(new Map(), this.#images);
    this.ages = new Ages(clock);
    this.ages.change(this.#images);
  }

  /** @param reserve given up when there is no room to write down that an image goes; grows with the list */
  static async open(
    file: RecordsFile,
    reserve: Pick<Reserve, 'release' | 'growFor'>,
    read: ReadRecords,
    clock: Clock,
  ): Promise<ImageRecords> {
    const records = new ImageRecords(file, reserve, read.images, clock);
    await reserve.growFor(read.bytes);
    return records;
  }

  get(digest: string): ImageRecord | undefined {
    return this.#images.get(digest);
  }

  byReference(reference: string): ImageRecord | undefined {
    for (const image of this.#images.values()) if (image.references.includes(reference)) return image;
    return undefined;
  }

  all(): ImageRecord[] {
    return [...this.#images.values()];
  }

  /** Whether an image has this blob; takes no longer when there are many. */
  hasBlob(digest: string): boolean {
    return this.#usage.hasBlob(digest);
  }

  /** The same of a layer. */
  hasLayer(diffId: string): boolean {
    return this.#usage.hasLayer(diffId);
  }

  /**
   * Adds images, or names to those that are here. A name that another image had, tag or digest, goes to the new one,
   * which leaves the other without it.
   */
  add(images: readonly ImageRecord[]): Promise<void> {
    const edit = (all: Map<string, ImageRecord>): boolean => {
      for (const image of images) {
        const before = all.get(image.digest);
        const references = union(before?.references, image.references);
        const repoDigests = union(before?.repoDigests, image.repoDigests);
        for (const other of all.values())
          all.set(other.digest, without(other, new Set([...references, ...repoDigests])));
        all.set(image.digest, { ...image, references, repoDigests });
      }
      return true;
    };
    return this.#change(edit, (text) => this.#writeAndGrow(text));
  }

  /**
   * Gives an image one more name, which another that had it loses. One that was to go with its last user stays.
   * @returns false when it is gone
   */
  async tag(digest: string, name: string): Promise<boolean> {
    let tagged = false;
    const edit = (all: Map<string, ImageRecord>): boolean => {
      const image = all.get(digest);
      if (image === undefined) return false;
      tagged = true;
      for (const other of all.values()) all.set(other.digest, without(other, new Set([name])));
      const { removed: _, ...kept } = image;
      all.set(digest, { ...kept, references: union(image.references, [name]) });
      return true;
    };
    await this.#change(edit, (text) => this.#writeAndGrow(text));
    return tagged;
  }

  /**
   * Takes names off an image, tags or digests of repositories.
   * @param fits looked at when its turn comes. @returns whether it did
   */
  untag(digest: string, names: Iterable<string>, fits: Fits): Promise<boolean> {
    return this.#replace(digest, fits, (image) => without(image, new Set(names)));
  }

  /** Takes all names off an image that goes when nothing uses it any more. `fits`: as of untag(). */
  retire(digest: string, fits: Fits): Promise<boolean> {
    return this.#replace(digest, fits, (image) => ({
      ...image,
      ...{ references: [], repoDigests: [], removed: true },
    }));
  }

  /** `fits`: as of untag(). */
  remove(digest: string, fits: Fits): Promise<boolean> {
    return this.#replace(digest, fits, () => undefined);
  }

  async #replace(
    digest: string,
    fits: Fits,
    edit: (image: ImageRecord) => ImageRecord | undefined,
  ): Promise<boolean> {
    let changed = false;
    const change = (all: Map<string, ImageRecord>): boolean => {
      const image = all.get(digest);
      if (image === undefined || !fits(image)) return false;
      changed = true;
      const edited = edit(image);
      if (edited) all.set(digest, edited);
      else all.delete(digest);
      return true;
    };
    await this.#change(change, (text) => this.#writeAtLast(text));
    return changed;
  }

  /** @param edit returns false when it changed nothing: whoever waits then waits for no disk */
  #change(
    edit: (images: Map<string, ImageRecord>) => boolean,
    write: (text: string) => Promise<void>,
  ): Promise<void> {
    const change = this.#last.then(async () => {
      const images = new Map(this.#images);
      if (!edit(images)) return;
      await write(JSON.stringify({ version: 2, images: [...images.values()] }));
      this.#usage.change(this.#images, images);
      this.ages.change(images);
      this.#images = images;
    });
    this.#last = change.catch(() => undefined);
    return change;
  }

  async #writeAndGrow(text: string): Promise<void> {
    await this.#file.write(text);
    await this.#reserve.growFor(Buffer.byteLength(text));
  }

  async #writeAtLast(text: string): Promise<void> {
    try {
      await this.#file.write(text);
    } catch (error) {
      if (FsbError.from(error).code !== 'no_capacity' || !(await this.#reserve.release())) throw error;
      await this.#file.write(text);
    }
  }
}

const union = (some: readonly string[] = [], others: readonly string[]): string[] =>
  [...new Set([...some, ...others])].sort();

/** The same object when it has none of them. */
function without(image: ImageRecord, names: ReadonlySet<string>): ImageRecord {
  const isKept = (name: string): boolean => !names.has(name);
  if (image.references.every(isKept) && image.repoDigests.every(isKept)) return image;
  return {
    ...image,
    references: image.references.filter(isKept),
    repoDigests: image.repoDigests.filter(isKept),
  };
}
