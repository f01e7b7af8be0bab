import type { Clock } from '../../model/clock.ts';

type Images = ReadonlyMap<string, { importedAt: number }>;

/**
 * How long images have been here. The wall clock says it once, when this core first sees one; a jump of it after that makes
 * none older.
 */
export class Ages {
  readonly #clock: Clock;
  /** On the monotonic clock, by digest. */
  readonly #since = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** To be called with all that there are, whenever that changes. */
  change(images: Images): void {
    const [now, wall] = [this.#clock.monotonic(), this.#clock.now()];
    for (const digest of this.#since.keys()) if (!images.has(digest)) this.#since.delete(digest);
    for (const [digest, { importedAt }] of images)
      if (!this.#since.has(digest)) this.#since.set(digest, now - Math.max(wall - importedAt, 0));
  }

  /** Milliseconds; 0: there is no such image. */
  of(digest: string): number {
    const now = this.#clock.monotonic();
    return now - (this.#since.get(digest) ?? now);
  }
}
