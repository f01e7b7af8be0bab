import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { eachAbortable } from '../../model/async/abortable.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import { Digester } from '../bytes/digester.ts';
import type { BlobTerms } from './blob-store.ts';
import { assertRoom, whileRoom } from './room.ts';

/** The bytes are not those that were asked for. */
export class WrongBlob extends FsbError {
  constructor(message: string) {
    super('invalid_argument', message);
  }
}

interface Progress {
  onProgress: (bytes: number) => void;
  signal?: AbortSignal;
}

/**
 * A blob on its way: the file has the first bytes of it, as many as came. Of what an earlier process, or an interrupted
 * one, has written, nothing is believed: all of it goes through the hash.
 */
export class PartialBlob {
  readonly #path: string;
  readonly #terms: BlobTerms;
  #taken = new Digester();

  constructor(path: string, terms: BlobTerms) {
    this.#path = path;
    this.#terms = terms;
  }

  /**
   * Completes the file, verified and on the disk. What is wrong is removed, and all of it is read once more: bytes that
   * were here before may have been wrong, or a mirror, which the second reading passes over.
   * @throws WrongBlob, what read() throws
   */
  async complete(read: (offset: number) => AsyncIterable<Buffer>, progress: Progress): Promise<number> {
    await this.#takeUp(progress);
    try {
      await this.#append(read, progress);
    } catch (error) {
      if (!(error instanceof WrongBlob)) throw error;
      await this.remove();
      progress.onProgress(0);
      await this.#append(read, progress).catch(async (again: unknown) => {
        if (again instanceof WrongBlob) await this.remove();
        throw again;
      });
    }
    return this.#taken.size;
  }

  async remove(): Promise<void> {
    this.#taken = new Digester();
    await rm(this.#path, { force: true });
  }

  /** Hashes what is here. */
  async #takeUp({ onProgress, signal }: Progress): Promise<void> {
    const found = await stat(this.#path).catch(() => undefined);
    if (found === undefined) return;
    if (this.#terms.size !== undefined && found.size > this.#terms.size) {
      await this.remove();
      return;
    }
    for await (const chunk of createReadStream(this.#path)) {
      throwIfAborted(signal);
      this.#taken.add(chunk as Buffer);
    }
    if (this.#taken.size > 0) onProgress(this.#taken.size);
  }

  async #append(
    read: (offset: number) => AsyncIterable<Buffer>,
    { onProgress, signal }: Progress,
  ): Promise<void> {
    const file = await open(this.#path, 'a', 0o600);
    try {
      if (!this.#isWhole())
        for await (const chunk of await this.#roomyRest(read, signal)) {
          this.#assertFits(chunk);
          await file.appendFile(chunk);
          this.#taken.add(chunk);
          onProgress(this.#taken.size);
        }
      await this.#verify(file);
    } finally {
      await file.close();
    }
  }

  /** The bytes that are missing, as long as there is room for them; when it is known how many: for all of them. */
  async #roomyRest(
    read: (offset: number) => AsyncIterable<Buffer>,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Buffer>> {
    const directory = dirname(this.#path);
    const { size = 0 } = this.#terms;
    await assertRoom(directory, Math.max(size - this.#taken.size, 0));
    return whileRoom(eachAbortable(read(this.#taken.size), signal), directory);
  }

  /** An earlier process was killed between the last byte and the rename. */
  #isWhole(): boolean {
    const { size, digest } = this.#terms;
    return size === undefined ? this.#taken.digest() === digest : this.#taken.size === size;
  }

  #assertFits(chunk: Buffer): void {
    const { digest, size } = this.#terms;
    if (size !== undefined && this.#taken.size + chunk.length > size)
      throw new WrongBlob(`blob ${digest} is longer than the ${size} bytes that it should have`);
  }

  async #verify(file: FileHandle): Promise<void> {
    const { digest, size } = this.#terms;
    // Not wrong, as far as it goes: it stays, and the next attempt goes on from here.
    if (size !== undefined && this.#taken.size < size)
      throw new FsbError(
        'invalid_argument',
        `blob ${digest} ended after ${this.#taken.size} of ${size} bytes`,
      );
    const found = this.#taken.digest();
    if (found !== digest)
      throw new WrongBlob(`blob ${digest} is damaged: the digest of what came is ${found}`);
    await file.sync();
  }
}
