import type { Logger } from 'pino';
import { endsWithin } from '../../model/async/ends-within.ts';
import type { Clock } from '../../model/clock.ts';
import type { RuntimeDriver } from '../../runtime/driver.ts';

/** Milliseconds that close() waits for what is just being destroyed: the next core finds what is left. */
const CLOSE_LIMIT = 5_000;

export interface JanitorPace {
  /** Milliseconds between two looks, but after one that found something new. Default half a minute. */
  interval?: number;
  /** Milliseconds that an instance must be unwanted before it goes. Default ten seconds. */
  window?: number;
}

export interface JanitorOptions extends JanitorPace {
  driver: Pick<RuntimeDriver, 'list' | 'destroy'>;
  /** Ids that are on record: what could not be removed of a boot that failed has no instance. */
  recorded: () => string[];
  /** True while somebody holds the instance, or boots it. */
  wanted: (id: string) => boolean;
  clock: Clock;
  log: Logger;
}

/**
 * Removes what nobody holds, also what could not be destroyed before. An instance is an orphan only when two looks, at
 * least a window apart, both found it unwanted; a look that failed counts for nothing.
 */
export class Janitor {
  readonly #options: Required<JanitorOptions>;
  /** Unwanted instances, with the monotonic time of the first look that found them. */
  readonly #suspects = new Map<string, number>();
  /** Those that could not be destroyed when it was tried last. */
  readonly #stuck = new Set<string>();
  #cancel: (() => void) | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: JanitorOptions) {
    this.#options = { interval: 30_000, window: 10_000, ...options };
  }

  start(): void {
    this.#lookIn(this.#options.interval);
  }

  #lookIn(pause: number): void {
    if (this.#closed) return;
    const { clock, interval, window } = this.#options;
    this.#cancel = clock.after(pause, () => {
      this.#sweeping = this.sweep().then((hasNews) =>
        this.#lookIn(hasNews ? Math.min(window, interval) : interval),
      );
    });
  }

  /** Ids of instances that no pool has, and that could not be destroyed when it was tried last. */
  get stuck(): string[] {
    return [...this.#stuck];
  }

  /** Never rejects. @returns whether something is unwanted that was not before */
  async sweep(): Promise<boolean> {
    const { driver, recorded, wanted, clock, log, window } = this.#options;
    let hasNews = false;
    try {
      const present = new Set([...(await driver.list()).map(({ id }) => id), ...recorded()]);
      const orphans = [...present].filter((id) => !wanted(id));
      for (const id of this.#suspects.keys()) if (!orphans.includes(id)) this.#clear(id);
      for (const id of orphans) {
        if (this.#closed) return hasNews;
        hasNews ||= !this.#suspects.has(id);
        const since = this.#suspects.get(id) ?? clock.monotonic();
        this.#suspects.set(id, since);
        if (clock.monotonic() - since >= window && !wanted(id)) await this.#remove(id);
      }
    } catch (error) {
      log.error({ err: error }, 'the janitor could not look');
    }
    return hasNews;
  }

  /** One that cannot be removed stays a suspect for the next look, and must not keep the others from their turn. */
  async #remove(id: string): Promise<void> {
    const { driver, log } = this.#options;
    log.warn({ instance: id }, 'removing an instance that nobody holds');
    try {
      await driver.destroy(id);
      this.#clear(id);
    } catch (error) {
      this.#stuck.add(id);
      log.error({ err: error, instance: id }, 'cannot destroy an instance');
    }
  }

  #clear(id: string): void {
    this.#suspects.delete(id);
    this.#stuck.delete(id);
  }

  /** Idempotent; waits for the orphan under way, for five seconds. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await endsWithin(this.#options.clock, CLOSE_LIMIT, this.#sweeping);
  }
}
