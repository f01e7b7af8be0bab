import type { Logger } from 'pino';
import type { LocalImageStore } from '../image/local-image-store.ts';
import type { PoolPolicy } from '../model/pool.ts';
import type { Shape } from '../model/shape.ts';
import type { Pool } from '../pool/pool.ts';
import { shapeOf } from './shape-of.ts';

export interface WarmImagesOptions {
  policy: Pick<PoolPolicy, 'warm' | 'resources'>;
  runtime: string;
  pool: Pick<Pool, 'keepWarm' | 'dropIdle'>;
  images: Pick<LocalImageStore, 'resolve' | 'onReplaced'>;
  log: Logger;
}

/**
 * Keeps the pool warm with what the names of the policy mean now. Without it, instances of the host image of before an
 * installed package would stay idle for ever, claimed by nobody, and every sandbox would wait for a boot.
 */
export class WarmImages {
  readonly #options: WarmImagesOptions;
  #unsubscribe: (() => void) | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(options: WarmImagesOptions) {
    this.#options = options;
  }

  /** @throws not_found when an image of the policy is not here */
  async start(): Promise<void> {
    const started = this.#keepWarm();
    this.#last = started.then(
      () => undefined,
      () => undefined,
    );
    this.#unsubscribe = this.#options.images.onReplaced((digests) => this.#follow(digests));
    await started;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#unsubscribe?.();
    await this.#last;
  }

  #follow(replaced: readonly string[]): void {
    const { pool, log } = this.#options;
    this.#last = this.#last
      .then(async () => {
        const kept = await this.#keepWarm();
        log.info({ replaced, kept: [...kept] }, 'names mean other images: the pool follows');
        await Promise.all(
          replaced.filter((digest) => !kept.has(digest)).map((digest) => pool.dropIdle(digest)),
        );
      })
      .catch((error: unknown) =>
        log.warn({ err: error, replaced }, 'the pool cannot follow a changed image'),
      );
  }

  /** @returns the digests that are kept warm now */
  async #keepWarm(): Promise<Set<string>> {
    const { policy, runtime, images, pool } = this.#options;
    const entries: { shape: Shape; image: string; count: number }[] = [];
    for (const { image: reference, count } of policy.warm) {
      const image = await images.resolve(reference);
      const shape = shapeOf({ resources: policy.resources, network: 'none', mounts: [] }, image, runtime);
      entries.push({ shape, image: image.reference, count });
    }
    pool.keepWarm(entries);
    return new Set(entries.map(({ shape }) => shape.image));
  }
}
