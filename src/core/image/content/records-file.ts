import { link, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { diskError } from '../../model/failure/disk-failure.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import { syncDirectory, writeError } from './disk.ts';
import { fileSchema, type ImageRecord } from './image-record.ts';

export interface ReadRecords {
  images: ImageRecord[];
  /** False: the newest list was damaged, and these are those of the list before it, or none. */
  isWhole: boolean;
  /** Of the list as it is on the disk. */
  bytes: number;
}

type Found = ({ images: ImageRecord[] } & { bytes: number }) | { failure: unknown } | undefined;

/** In the name of a list that was set aside, before the time. */
export const DAMAGED_MARK = '.damaged-';

const TEMPORARY = /^\.[0-9a-f-]{36}\.tmp$/;

/**
 * The list of images on the disk, and beside it the one before (`.previous`). What cannot be read is set aside
 * (`.damaged-<time>`): no list may keep the core from starting, only a disk or a system that does not give it away.
 */
export class RecordsFile {
  readonly path: string;
  readonly #log: Logger;

  constructor(path: string, log: Logger) {
    this.path = path;
    this.#log = log;
  }

  /**
   * @param beforeSettingAside must be durable before the damaged list is gone
   * @throws unavailable, no_capacity, what else the system says when it cannot be read: then all is as it was
   */
  async read(beforeSettingAside: () => Promise<void>): Promise<ReadRecords> {
    await this.#removeTemporaries();
    const newest = await readList(this.path);
    if (newest !== undefined && 'images' in newest) return { ...newest, isWhole: true };
    const previous = await readList(this.#previous);
    if (newest === undefined && previous === undefined) return { images: [], isWhole: true, bytes: 0 };
    await beforeSettingAside();
    if (newest !== undefined) await this.#setAside(newest.failure);
    const found = previous !== undefined && 'images' in previous ? previous : { images: [], bytes: 0 };
    const images = found.images.length;
    this.#log.error({ list: this.path, images }, 'the list of images is that of before its last change');
    return { ...found, isWhole: false };
  }

  /** @throws no_capacity; the file is as it was before then */
  async write(text: string): Promise<void> {
    const temporary = join(dirname(this.path), `.${crypto.randomUUID()}.tmp`);
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      failpoint('images.written');
      await this.#keepPrevious();
      failpoint('images.kept');
      await rename(temporary, this.path);
      failpoint('images.renamed');
    } catch (error) {
      await rm(temporary, { force: true });
      throw writeError(error, 'the list of images');
    }
    await syncDirectory(dirname(this.path));
  }

  get #previous(): string {
    return `${this.path}.previous`;
  }

  /** A link costs nothing. Without one the list is as good, only alone. */
  async #keepPrevious(): Promise<void> {
    try {
      const hasNewest = await open(this.path).then(
        (file) => file.close().then(() => true),
        () => false,
      );
      // After damage the one before is all that there is.
      if (!hasNewest) return;
      await rm(this.#previous, { force: true });
      await link(this.path, this.#previous);
    } catch (error) {
      this.#log.debug({ err: error }, 'the list of images before this one is not kept');
    }
  }

  async #setAside(failure: unknown): Promise<void> {
    const time = new Date().toISOString().replaceAll(/[:.]/g, '-');
    const aside = `${this.path}${DAMAGED_MARK}${time}`;
    await rename(this.path, aside);
    this.#log.error({ err: failure, aside }, 'the list of images cannot be read, and is set aside');
  }

  /** What a core that was killed while it wrote has left. */
  async #removeTemporaries(): Promise<void> {
    const directory = dirname(this.path);
    for (const name of await readdir(directory))
      if (TEMPORARY.test(name)) await rm(join(directory, name), { force: true });
  }
}

async function readList(path: string): Promise<Found> {
  try {
    const text = await readFile(path, 'utf8');
    return { images: fileSchema.parse(JSON.parse(text)).images, bytes: Buffer.byteLength(text) };
  } catch (failure) {
    const { code, syscall } = failure as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    // What a system call fails with says nothing of what is in the file, but for a directory, which is no list.
    if (syscall === undefined || code === 'EISDIR') return { failure };
    throw diskError(`cannot read the list of images ${path}`, failure) ?? failure;
  }
}
