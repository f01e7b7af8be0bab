import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { FsbError } from '../../model/errors.ts';
import type { ImageConfig } from '../../model/image.ts';
import { syncDirectory, writeError } from './disk.ts';

const configSchema = z.object({
  entrypoint: z.array(z.string()),
  cmd: z.array(z.string()),
  env: z.array(z.string()),
  user: z.string(),
  workingDir: z.string(),
  stopSignal: z.string().optional(),
  exposedPorts: z.array(z.number()),
  labels: z.record(z.string(), z.string()),
  volumes: z.array(z.string()).optional(),
}) satisfies z.ZodType<ImageConfig>;

const layerSchema = z.object({
  /** Of the layer as it came; empty in an image that an earlier version imported, which kept no blobs. */
  digest: z.string(),
  diffId: z.string(),
  mediaType: z.string(),
  /** Bytes as it came. */
  size: z.number(),
});

const recordSchema = z.object({
  /** Of the manifest. */
  digest: z.string(),
  /** Of the manifest; empty in an image that an earlier version imported. */
  mediaType: z.string(),
  /** Of the configuration; the same. */
  configDigest: z.string(),
  references: z.array(z.string()),
  /** `docker.io/library/alpine@sha256:...`, maybe of the index that led to the manifest. */
  repoDigests: z.array(z.string()),
  config: configSchema,
  /** Bottom first. */
  layers: z.array(layerSchema),
  architecture: z.string(),
  variant: z.string(),
  /** Milliseconds since the epoch; 0: unknown. */
  createdAt: z.number(),
  importedAt: z.number(),
  /** It was removed while instances used it: it has no name, and goes with the last of them. */
  removed: z.literal(true).optional(),
});

const firstRecordSchema = z.object({
  ...{ digest: z.string(), references: z.array(z.string()), config: configSchema },
  ...{ diffIds: z.array(z.string()), architecture: z.string(), importedAt: z.number() },
});

const fileSchema = z.discriminatedUnion('version', [
  z.object({ version: z.literal(2), images: z.array(recordSchema) }),
  z.object({ version: z.literal(1), images: z.array(firstRecordSchema.transform(upgraded)) }),
]);

function upgraded({ diffIds, ...record }: z.output<typeof firstRecordSchema>): z.output<typeof recordSchema> {
  const layers = diffIds.map((diffId) => ({ digest: '', diffId, mediaType: '', size: 0 }));
  return { ...record, layers, mediaType: '', configDigest: '', repoDigests: [], variant: '', createdAt: 0 };
}

export type ImageRecord = z.output<typeof recordSchema>;

/**
 * What images there are, in one file: a name moves from one image to another in one step, or not at all. Changes are
 * made one after the other; reads see the last one that is durable.
 */
export class ImageRecords {
  readonly #file: string;
  #images: ReadonlyMap<string, ImageRecord>;
  #last: Promise<void> = Promise.resolve();

  private constructor(file: string, images: ImageRecord[]) {
    this.#file = file;
    this.#images = new Map(images.map((image) => [image.digest, image]));
  }

  /** @throws internal when the file is there and cannot be understood: starting empty would remove every layer */
  static async open(file: string): Promise<ImageRecords> {
    await removeTemporaries(dirname(file));
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new ImageRecords(file, []);
      throw error;
    }
    try {
      return new ImageRecords(file, fileSchema.parse(JSON.parse(text)).images);
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

  /** Takes names off an image, tags or digests of repositories. */
  untag(digest: string, names: Iterable<string>): Promise<void> {
    return this.#change((all) => {
      const image = all.get(digest);
      if (image) all.set(digest, without(image, new Set(names)));
    });
  }

  /** Takes all names off an image that goes when nothing uses it any more. */
  retire(digest: string): Promise<void> {
    return this.#change((all) => {
      const image = all.get(digest);
      if (image) all.set(digest, { ...image, references: [], repoDigests: [], removed: true });
    });
  }

  /** @param fits looked at when its turn comes. @returns whether it did, and the record is gone */
  async remove(digest: string, fits: (image: ImageRecord) => boolean = () => true): Promise<boolean> {
    let removed = false;
    await this.#change((all) => {
      const image = all.get(digest);
      removed = image !== undefined && fits(image) && all.delete(digest);
    });
    return removed;
  }

  #change(edit: (images: Map<string, ImageRecord>) => void): Promise<void> {
    const change = this.#last.then(async () => {
      const images = new Map(this.#images);
      edit(images);
      await writeDurably(this.#file, JSON.stringify({ version: 2, images: [...images.values()] }));
      this.#images = images;
    });
    this.#last = change.catch(() => undefined);
    return change;
  }
}

const union = (some: readonly string[] = [], others: readonly string[]): string[] =>
  [...new Set([...some, ...others])].sort();

const without = (image: ImageRecord, names: ReadonlySet<string>): ImageRecord => ({
  ...image,
  references: image.references.filter((name) => !names.has(name)),
  repoDigests: image.repoDigests.filter((name) => !names.has(name)),
});

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
