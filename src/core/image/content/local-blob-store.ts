import { rename, rm, stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import { eachAbortable } from '../../model/abortable.ts';
import type { Clock } from '../../model/clock.ts';
import { isDigest } from '../../model/digest.ts';
import { isDiskFull } from '../../model/disk-full.ts';
import { FsbError, throwIfAborted } from '../../model/errors.ts';
import { writeHashed } from '../bytes/write-hashed.ts';
import { BlobFiles, type FoundBlob } from './blob-files.ts';
import type { BlobStore, BlobTerms, FetchOptions } from './blob-store.ts';
import { syncDirectory, writeError } from './disk.ts';
import { Flight } from './flight.ts';
import type { Collection } from './garbage.ts';
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

interface Kept {
  size: number;
  /** Milliseconds since the epoch: when somebody last wanted it. */
  since: number;
}

/** An image may use the blob that one was to be: what there is of it is not in its way. */
const partials = (collection: Collection): Collection => ({ ...collection, isUsed: () => false });

/** The BlobStore in a directory. One process at a time may have it open. */
export class LocalBlobStore implements BlobStore {
  readonly #options: BlobStoreOptions;
  readonly #files: BlobFiles;
  #blobs = new Map<string, Kept>();
  /** What interrupted downloads have left, also when nothing of it was verified yet. */
  #partials = new Map<string, Kept>();
  readonly #flights = new Map<string, Flight>();
  readonly #pins = new Pins();

  private constructor(options: BlobStoreOptions) {
    this.#options = options;
    this.#files = new BlobFiles(options.root);
  }

  static async open(options: BlobStoreOptions): Promise<LocalBlobStore> {
    const store = new LocalBlobStore(options);
    const { blobs, partials } = await store.#files.open((digest) => options.believed.has(digest));
    const now = options.clock.now();
    const kept = ({ digest, size, writtenAt }: FoundBlob): [string, Kept] => [
      digest,
      { size, since: Math.min(writtenAt, now) },
    ];
    store.#blobs = new Map(blobs.map(kept));
    store.#partials = new Map(partials.map(kept));
    return store;
  }

  pathOf(digest: string): string | undefined {
    return this.#blobs.has(digest) ? this.#files.path(digest) : undefined;
  }

  sizeOf(digest: string): number {
    return this.#blobs.get(digest)?.size ?? 0;
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
      const kept = this.#blobs.get(digest);
      if (flight === undefined && kept !== undefined) {
        kept.since = this.#options.clock.now();
        onProgress?.(kept.size);
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
    let first = Number.POSITIVE_INFINITY;
    for (const [digest, { since }] of this.#blobs)
      if (since < first && !isUsed(digest) && this.#isFree(digest)) first = since;
    for (const [digest, { since }] of this.#partials)
      if (since < first && this.#isFree(digest)) first = since;
    return first === Number.POSITIVE_INFINITY ? undefined : first + grace;
  }

  /** Removes what nobody uses, pins or fetches when its turn comes, and nobody has wanted for long. @returns bytes */
  async collect(collection: Collection): Promise<number> {
    let freed = 0;
    for (const [digest] of [...this.#blobs]) {
      const kept = this.#blobs.get(digest);
      if (!kept || !this.#isCollectable(digest, kept, collection)) continue;
      freed += await this.#remove(digest, this.#blobs, this.#files.path(digest));
    }
    for (const [digest] of [...this.#partials]) {
      const kept = this.#partials.get(digest);
      if (!kept || !this.#isCollectable(digest, kept, partials(collection))) continue;
      freed += await this.#remove(digest, this.#partials, this.#files.partialPath(digest));
    }
    return freed;
  }

  /** What collect() would remove now, in bytes. */
  collectable(collection: Collection): number {
    const sizes = (kept: Map<string, Kept>, terms: Collection): number[] =>
      [...kept].filter((one) => this.#isCollectable(...one, terms)).map(([, { size }]) => size);
    const all = [...sizes(this.#blobs, collection), ...sizes(this.#partials, partials(collection))];
    return all.reduce((sum, size) => sum + size, 0);
  }

  #isCollectable(digest: string, { since }: Kept, { isUsed, before, only }: Collection): boolean {
    return !isUsed(digest) && this.#isFree(digest) && only?.has(digest) !== false && since <= before;
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
    await rename(from, path);
    await syncDirectory(this.#files.directory);
    this.#blobs.set(digest, { size, since: this.#options.clock.now() });
    return path;
  }

  async #remove(digest: string, kept: Map<string, Kept>, path: string): Promise<number> {
    const { size } = kept.get(digest)!;
    kept.delete(digest);
    // A flight: whoever wants it again begins when it is gone, or its new file would be removed.
    await this.#fly(digest, () => rm(path, { force: true }));
    this.#options.log.debug({ blob: digest }, 'blob removed');
    return size;
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

  #isFree(digest: string): boolean {
    return !this.#pins.has(digest) && !this.#flights.has(digest);
  }

  async #keepPartial(digest: string): Promise<void> {
    const left = await stat(this.#files.partialPath(digest)).catch(() => undefined);
    if (left) this.#partials.set(digest, { size: left.size, since: this.#options.clock.now() });
  }
}
