import type { Clock } from '../../model/clock.ts';
import type { Collection } from './garbage.ts';

interface Kept {
  /** Bytes. */
  size: number;
  /** On the monotonic clock: when somebody last wanted it. */
  since: number;
}

/** Which files are kept, by digest, and which of them may go. */
export class KnownFiles {
  readonly #clock: Clock;
  readonly #isFree: (digest: string) => boolean;
  readonly #kept = new Map<string, Kept>();

  /** @param isFree nobody needs or changes it at the moment */
  constructor(clock: Clock, isFree: (digest: string) => boolean) {
    this.#clock = clock;
    this.#isFree = isFree;
  }

  has(digest: string): boolean {
    return this.#kept.has(digest);
  }

  /** Bytes. */
  sizeOf(digest: string): number | undefined {
    return this.#kept.get(digest)?.size;
  }

  /** @param writtenAt milliseconds since the epoch; now when absent, or when it is in the future */
  add(digest: string, size: number, writtenAt = Number.POSITIVE_INFINITY): void {
    const age = Math.max(this.#clock.now() - writtenAt, 0);
    this.#kept.set(digest, { size, since: this.#clock.monotonic() - age });
  }

  delete(digest: string): void {
    this.#kept.delete(digest);
  }

  /** Somebody wants one that is kept. */
  want(digest: string): void {
    this.add(digest, this.#kept.get(digest)!.size);
  }

  /** When somebody last wanted the oldest of those that are free and `isUsed` does not know; infinite: there is none. */
  oldest(isUsed: (digest: string) => boolean): number {
    let first = Number.POSITIVE_INFINITY;
    for (const [digest, { since }] of this.#kept)
      if (since < first && !isUsed(digest) && this.#isFree(digest)) first = since;
    return first;
  }

  /** Bytes of what may go now. */
  collectable(collection: Collection): number {
    let bytes = 0;
    for (const [digest, kept] of this.#kept) if (this.#mayGo(digest, kept, collection)) bytes += kept.size;
    return bytes;
  }

  /** Forgets what may go when its turn comes, and then has it removed. @returns bytes */
  async collect(collection: Collection, remove: (digest: string) => Promise<void>): Promise<number> {
    let freed = 0;
    for (const digest of [...this.#kept.keys()]) {
      const kept = this.#kept.get(digest);
      if (!kept || !this.#mayGo(digest, kept, collection)) continue;
      this.#kept.delete(digest);
      await remove(digest);
      freed += kept.size;
    }
    return freed;
  }

  #mayGo(digest: string, { since }: Kept, { isUsed, before, only }: Collection): boolean {
    return !isUsed(digest) && this.#isFree(digest) && only?.has(digest) !== false && since <= before;
  }
}
