import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { FsbError } from '../../model/errors.ts';
import type { ImageConfig } from '../../model/image.ts';

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

  /** Adds images; a name that another image had goes to the new one, which leaves the other without it. */
  add(images: readonly ImageRecord[]): Promise<void> {
    return this.#change((all) => {
      for (const image of images) {
        const names = new Set([...(all.get(image.digest)?.references ?? []), ...image.references]);
        for (const other of all.values())
          all.set(other.digest, {
            ...other,
            references: other.references.filter((name) => !names.has(name)),
          });
        all.set(image.digest, { ...image, references: [...names].sort() });
      }
    });
  }

  /** Takes a name off an image. */
  untag(digest: string, reference: string): Promise<void> {
    return this.#change((all) => {
      const image = all.get(digest);
      if (image)
        all.set(digest, { ...image, references: image.references.filter((name) => name !== reference) });
    });
  }

  remove(digest: string): Promise<void> {
    return this.#change((all) => void all.delete(digest));
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

const TEMPORARY = /^\.[0-9a-f-]{36}\.tmp$/;

/** What a core that was killed while it wrote has left. */
async function removeTemporaries(directory: string): Promise<void> {
  for (const name of await readdir(directory))
    if (TEMPORARY.test(name)) await rm(join(directory, name), { force: true });
}

async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${crypto.randomUUID()}.tmp`);
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const directory = await open(dirname(path));
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
