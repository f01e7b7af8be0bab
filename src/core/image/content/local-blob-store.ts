import { rename, rm, stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import { eachAbortable } from '../../model/async/abortable.ts';
import type { Clock } from '../../model/clock.ts';
import { isDiskFull } from '../../model/failure/disk-full.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import { isDigest } from '../../model/image/digest.ts';
import { writeHashed } from '../bytes/write-hashed.ts';
import { BlobFiles } from './blob-files.ts';
import type { BlobStore, BlobTerms, FetchOptions } from './blob-store.ts';
import { syncDirectory, writeError } from './disk.ts';
import { Flight } from './flight.ts';
import type { Collection } from './garbage.ts';
import { KnownFiles } from './known-files.ts';
import { PartialBlob } from './partial-blob.ts';
import { Pins } from './pins.ts';
import { NoRoom, whileRoom } from './room.ts';

export interface BlobStoreOptions {
  /** Has `blobs/sha256` and `partial` in it. */
  root: string;
  /** Blobs that records refer to: verified when they came. */
  believed: ReadonlySet<string>;
  clock: Clock;
  log: Logger;
  /** Called when there may be more to collect than before. */
  onLeftover?: () => void;
}

/** An image may use the blob that one was to be: what there is of it is not in its way. */
const nobody = (): boolean => false;
const partials = (collection: Collection): Collection => ({ ...collection, isUsed: nobody });

/** The BlobStore in a directory. One process at a time may have it open. */
export class LocalBlobStore implements BlobStore {
  readonly #options: BlobStoreOptions;
  readonly #files: BlobFiles;
  readonly #blobs: KnownFiles;
  /** What interrupted downloads have left, also when nothing of it was verified yet. */
  readonly #partials: KnownFiles;
  readonly #flights = new Map<string, Flight>();
  readonly #pins = new Pins();

  private constructor(options: BlobStoreOptions) {
    this.#options = options;
    this.#files = new BlobFiles(options.root);
    const isFree = (digest: string): boolean => !this.#pins.has(digest) && !this.#flights.has(digest);
    this.#blobs = new KnownFiles(options.clock, isFree);
    this.#partials = new KnownFiles(options.clock, isFree);
  }

  static async open(options: BlobStoreOptions): Promise<LocalBlobStore> {
    const store = new LocalBlobStore(options);
    const { blobs, partials } = await store.#files.open((digest) => options.believed.has(digest));
    for (const { digest, size, writtenAt } of blobs) store.#blobs.add(digest, size, writtenAt);
    for (const { digest, size, writtenAt } of partials) store.#partials.add(digest, size, writtenAt);
    return store;
  }

  pathOf(digest: string): string | undefined {
    return this.#blobs.has(digest) ? this.#files.path(digest) : undefined;
  }

  sizeOf(digest: string): number {
    return this.#blobs.sizeOf(digest) ?? 0;
  }

  pin(digests?: Iterable<string>): () => void {
    const unpin = this.#pins.add(digests);
    return () => {
      unpin();
      this.#options.onLeftover?.();
    };
  }

  async ensure(
    terms: BlobTerms,
    read: (offset: number) => AsyncIterable<Buffer>,
    options: FetchOptions = {},
  ): Promise<string> {
    const { digest } = terms;
    const { onProgress, signal } = options;
    if (!isDigest(digest)) throw new FsbError('invalid_argument', `${digest} is not a sha256 digest`);
    for (;;) {
      throwIfAborted(signal);
      const flight = this.#flights.get(digest);
      const size = this.#blobs.sizeOf(digest);
      if (flight === undefined && size !== undefined) {
        this.#blobs.want(digest);
        onProgress?.(size);
        return this.#files.path(digest);
      }
      if (flight === undefined) return this.#fly(digest, (tell) => this.#fetch(terms, read, options, tell));
      await flight.wait(onProgress, signal);
    }
  }

  async add(content: AsyncIterable<Buffer>, signal?: AbortSignal): Promise<{ digest: string; size: number }> {
    const path = this.#files.newPath();
    try {
      const added = await writeHashed(path, whileRoom(eachAbortable(content, signal), this.#files.directory));
      await this.#alone(added.digest);
      if (!this.#blobs.has(added.digest))
        await this.#fly(added.digest, () => this.#publish(added.digest, added.size, path));
      return added;
    } catch (error) {
      throw writeError(error, 'a blob');
    } finally {
      await rm(path, { force: true });
    }
  }

  /** When the next of what `isUsed` does not know is due, if there is any that may be collected. */
  nextDue(isUsed: (digest: string) => boolean, grace: number): number | undefined {
    const first = Math.min(this.#blobs.oldest(isUsed), this.#partials.oldest(nobody));
    return first === Number.POSITIVE_INFINITY ? undefined : first + grace;
  }

  /** Removes what nobody uses, pins or fetches when its turn comes, and nobody has wanted for long. @returns bytes */
  async collect(collection: Collection): Promise<number> {
    const ofBlobs = await this.#blobs.collect(collection, (digest) =>
      this.#remove(digest, this.#files.path(digest)),
    );
    const ofPartials = await this.#partials.collect(partials(collection), (digest) =>
      this.#remove(digest, this.#files.partialPath(digest)),
    );
    return ofBlobs + ofPartials;
  }

  /** What collect() would remove now, in bytes. */
  collectable(collection: Collection): number {
    return this.#blobs.collectable(collection) + this.#partials.collectable(partials(collection));
  }

  async #fetch(
    { digest, size }: BlobTerms,
    read: (offset: number) => AsyncIterable<Buffer>,
    { onProgress, signal }: FetchOptions,
    tell: (bytes: number) => void,
  ): Promise<string> {
    const path = this.#files.partialPath(digest);
    const partial = new PartialBlob(path, { digest, size });
    const progress = (bytes: number): void => {
      tell(bytes);
      onProgress?.(bytes);
    };
    this.#partials.delete(digest);
    try {
      const bytes = await partial.complete(read, { onProgress: progress, signal });
      return await this.#publish(digest, bytes, path);
    } catch (error) {
      if (isDiskFull(error) || error instanceof NoRoom) await partial.remove();
      throw writeError(error, `blob ${digest}`);
    } finally {
      await this.#keepPartial(digest);
    }
  }

  async #publish(digest: string, size: number, from: string): Promise<string> {
    const path = this.#files.path(digest);
    failpoint('blob.whole');
    await rename(from, path);
    failpoint('blob.renamed');
    await syncDirectory(this.#files.directory);
    this.#blobs.add(digest, size);
    return path;
  }

  async #remove(digest: string, path: string): Promise<void> {
    // A flight: whoever wants it again begins when it is gone, or its new file would be removed.
    await this.#fly(digest, () => rm(path, { force: true }));
    failpoint('blob.removed');
    this.#options.log.debug({ blob: digest }, 'blob removed');
  }

  async #fly<T>(digest: string, work: (tell: (bytes: number) => void) => Promise<T>): Promise<T> {
    let result!: Promise<T>;
    const flight = new Flight((tell) => {
      result = work(tell).finally(() => {
        this.#flights.delete(digest);
        this.#options.onLeftover?.();
      });
      return result;
    });
    this.#flights.set(digest, flight);
    return result;
  }

  /** Resolves in the tick in which nobody works on the blob. */
  async #alone(digest: string): Promise<void> {
    for (let flight = this.#flights.get(digest); flight; flight = this.#flights.get(digest))
      await flight.wait();
  }

  async #keepPartial(digest: string): Promise<void> {
    const left = await stat(this.#files.partialPath(digest)).catch(() => undefined);
    if (left) this.#partials.add(digest, left.size);
  }
}
