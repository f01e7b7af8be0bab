import { createReadStream } from 'node:fs';
import { lstat, readdir, realpath } from 'node:fs/promises';
import { join, posix, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { FsbError } from '../../model/failure/errors.ts';

/** The files inside an image file, wherever they lie. Names are as in the formats: `index.json`, `blobs/sha256/...`. */
export interface ArchiveSource {
  has(name: string): Promise<boolean>;
  /** The first parts of all names in it. */
  topLevel(): Promise<string[]>;
  /** Bytes. @throws as open */
  sizeOf(name: string): Promise<number>;
  /**
   * The bytes from an offset on.
   * @throws invalid_argument when there is no such file in it
   */
  open(name: string, offset?: number): Promise<Readable>;
  close(): Promise<void>;
}

/** Bytes: larger than every honest manifest and configuration. A document is held in memory. */
export const LARGEST_DOCUMENT = 8 * 1024 * 1024;

/** @throws invalid_argument when it is missing or larger than any honest document */
export async function readDocument(source: ArchiveSource, name: string): Promise<Buffer> {
  return buffer(upTo(await source.open(name), LARGEST_DOCUMENT, name));
}

/** Opens the file when the first byte is asked for, and closes it on every way out. */
export async function* readFrom(source: ArchiveSource, name: string, offset = 0): AsyncGenerator<Buffer> {
  const content = await source.open(name, offset);
  try {
    yield* content as AsyncIterable<Buffer>;
  } finally {
    content.destroy();
  }
}

/** `./a/../b` -> `b`; undefined for what leads out. */
export function normalName(name: string): string | undefined {
  const normal = posix.normalize(name.replace(/^\/+/, ''));
  return normal === '..' || normal.startsWith('../') || normal === '.' ? undefined : normal;
}

/** A layout in a directory. */
export class DirectorySource implements ArchiveSource {
  readonly #root: string;
  readonly #signal?: AbortSignal;

  /** @param signal ends every read from it */
  constructor(root: string, signal?: AbortSignal) {
    this.#root = root;
    this.#signal = signal;
  }

  async has(name: string): Promise<boolean> {
    return (await this.#find(name)) !== undefined;
  }

  topLevel(): Promise<string[]> {
    return readdir(this.#root);
  }

  async sizeOf(name: string): Promise<number> {
    return (await lstat(await this.#pathOf(name))).size;
  }

  async open(name: string, offset = 0): Promise<Readable> {
    return createReadStream(await this.#pathOf(name), { start: offset, signal: this.#signal });
  }

  async close(): Promise<void> {}

  async #pathOf(name: string): Promise<string> {
    const path = await this.#find(name);
    if (path === undefined) throw missing(name);
    return path;
  }

  /** Regular files below the directory only: a link or FIFO in somebody's layout opens nothing else. */
  async #find(name: string): Promise<string | undefined> {
    const normal = normalName(name);
    if (normal === undefined) return undefined;
    try {
      const root = await realpath(this.#root);
      const path = await realpath(join(root, normal));
      if (!path.startsWith(`${root}${sep}`)) return undefined;
      return (await lstat(path)).isFile() ? path : undefined;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
      throw error;
    }
  }
}

export function missing(name: string): FsbError {
  return new FsbError('invalid_argument', `${JSON.stringify(name)} is missing in it`);
}

async function* upTo(source: Readable, bytes: number, name: string): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    left -= chunk.length;
    if (left < 0)
      throw new FsbError('invalid_argument', `${JSON.stringify(name)} is larger than ${bytes} bytes`);
    yield chunk;
  }
}
