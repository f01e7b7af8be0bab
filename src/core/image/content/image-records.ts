import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FsbError } from '../../model/errors.ts';
import { syncDirectory, writeError } from './disk.ts';
import { fileSchema, type ImageRecord } from './image-record.ts';
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
  readonly #file: string;
  #images: ReadonlyMap<string, ImageRecord>;
  readonly #usage = new Usage();
  #last: Promise<void> = Promise.resolve();

  readonly #reserve: Pick<Reserve, 'release'>;

  private constructor(file: string, reserve: Pick<Reserve, 'release'>, images: ImageRecord[]) {
    this.#file = file;
    this.#reserve = reserve;
    this.#images = new Map(images.map((image) => [image.digest, image]));
    this.#usage.change(new Map(), this.#images);
  }

  /**
   * @param reserve given up when there is no room to write down that an image goes
   * @throws internal when the file is there and cannot be understood: starting empty would remove every layer
   */
  static async open(file: string, reserve: Pick<Reserve, 'release'>): Promise<ImageRecords> {
    await removeTemporaries(dirname(file));
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new ImageRecords(file, reserve, []);
      throw error;
    }
    try {
      return new ImageRecords(file, reserve, fileSchema.parse(JSON.parse(text)).images);
    } catch (cause) {
      throw new FsbError('internal', `the list of images ${file} cannot be read`, {
        hint: 'Move its directory away to start without images, and import them again.',
        cause,
      });
    }
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
    return this.#change((all) => {
      for (const image of images) {
        const before = all.get(image.digest);
        const references = union(before?.references, image.references);
        const repoDigests = union(before?.repoDigests, image.repoDigests);
        for (const other of all.values())
          all.set(other.digest, without(other, new Set([...references, ...repoDigests])));
        all.set(image.digest, { ...image, references, repoDigests });
      }
    });
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
    const change = (all: Map<string, ImageRecord>): void => {
      const image = all.get(digest);
      if (image === undefined || !fits(image)) return;
      changed = true;
      const edited = edit(image);
      if (edited) all.set(digest, edited);
      else all.delete(digest);
    };
    await this.#change(change, (text) => this.#writeAtLast(text));
    return changed;
  }

  #change(
    edit: (images: Map<string, ImageRecord>) => void,
    write = (text: string): Promise<void> => this.#write(text),
  ): Promise<void> {
    const change = this.#last.then(async () => {
      const images = new Map(this.#images);
      edit(images);
      await write(JSON.stringify({ version: 2, images: [...images.values()] }));
      this.#usage.change(this.#images, images);
      this.#images = images;
    });
    this.#last = change.catch(() => undefined);
    return change;
  }

  async #write(text: string): Promise<void> {
    await writeDurably(this.#file, text);
  }

  async #writeAtLast(text: string): Promise<void> {
    try {
      await this.#write(text);
    } catch (error) {
      if (FsbError.from(error).code !== 'no_capacity' || !(await this.#reserve.release())) throw error;
      await this.#write(text);
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

const TEMPORARY = /^\.[0-9a-f-]{36}\.tmp$/;

/** What a core that was killed while it wrote has left. */
async function removeTemporaries(directory: string): Promise<void> {
  for (const name of await readdir(directory))
    if (TEMPORARY.test(name)) await rm(join(directory, name), { force: true });
}

/** @throws no_capacity; the file is as it was before then */
async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${crypto.randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw writeError(error, 'the list of images');
  }
  await syncDirectory(dirname(path));
}
