import type { Logger } from 'pino';
import type { LocalImageStore } from '../../image/image-store.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { ResolvedImage } from '../../model/image/image.ts';
import type { Pool, WarmEntry } from '../../pool/pool.ts';
import { shapeOf } from '../shape-of.ts';

export interface WarmImagesOptions {
  runtime: string;
  pool: Pick<Pool, 'policy' | 'keepWarm' | 'dropIdle'>;
  images: Pick<LocalImageStore, 'resolve' | 'onNamesChanged'>;
  log: Logger;
}

/** A warm entry that cannot be kept warm now, and why. */
export interface MissingImage {
  image: string;
  count: number;
  why: string;
}

/**
 * Keeps a pool warm with what the names of its policy mean now. Without it, instances of the host image of before an
 * installed package would stay idle for ever, claimed by nobody, and every sandbox would wait for a boot. An image that
 * is not here is kept warm from the moment at which it comes.
 */
export class WarmImages {
  readonly #options: WarmImagesOptions;
  /** What each name of the policy meant last. */
  #known = new Map<string, ResolvedImage>();
  #missing: readonly MissingImage[] = [];
  #unsubscribe: (() => void) | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(options: WarmImagesOptions) {
    this.#options = options;
  }

  get missing(): readonly MissingImage[] {
    return this.#missing;
  }

  /** True while instances of the image with this digest are kept warm. */
  keeps(digest: string): boolean {
    return [...this.#known.values()].some((image) => image.digest === digest);
  }

  /** Resolves when the pool knows its warm shapes; the warming itself goes on. */
  start(): Promise<void> {
    this.#unsubscribe ??= this.#options.images.onNamesChanged((replaced) => void this.#follow(replaced));
    return this.refresh();
  }

  /** To be called when the policy of the pool has changed. */
  refresh(): Promise<void> {
    return this.#follow([]);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#unsubscribe?.();
    await this.#last;
  }

  /** One at a time: an older answer must not overtake a newer one. */
  #follow(replaced: readonly string[]): Promise<void> {
    const { pool, log } = this.#options;
    this.#last = this.#last
      .then(async () => {
        await this.#keepWarm();
        await Promise.all(
          replaced.filter((digest) => !this.keeps(digest)).map((digest) => pool.dropIdle(digest)),
        );
      })
      .catch((error: unknown) =>
        log.warn({ err: error, replaced }, 'the pool cannot follow a changed image'),
      );
    return this.#last;
  }

  async #keepWarm(): Promise<void> {
    const { runtime, pool } = this.#options;
    const { warm, resources } = pool.policy;
    const known = new Map<string, ResolvedImage>();
    const missing: MissingImage[] = [];
    const entries: WarmEntry[] = [];
    for (const { image: reference, count } of warm) {
      const found = await this.#resolve(reference);
      if (found instanceof FsbError) missing.push({ image: reference, count, why: found.message });
      else {
        known.set(reference, found);
        const shape = shapeOf({ network: 'none', mounts: [] }, resources, found, runtime);
        entries.push({ shape, image: found.reference, count });
      }
    }
    this.#tell(missing);
    this.#known = known;
    this.#missing = missing;
    pool.keepWarm(entries);
  }

  /** What the name means; when it means nothing now, what it meant before; else why not. */
  async #resolve(reference: string): Promise<ResolvedImage | FsbError> {
    try {
      return await this.#options.images.resolve(reference);
    } catch (error) {
      return this.#known.get(reference) ?? FsbError.from(error);
    }
  }

  #tell(missing: readonly MissingImage[]): void {
    const told = new Set(this.#missing.map(({ image }) => image));
    for (const { image, why } of missing)
      if (!told.has(image)) this.#options.log.warn({ image, why }, 'an image cannot be kept warm');
  }
}
