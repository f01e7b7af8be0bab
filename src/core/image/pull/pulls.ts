import { abortable } from '../../model/abortable.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/errors.ts';
import { formatPlatform } from '../../model/platform.ts';
import type { PullEvent } from '../../model/pull.ts';
import { canonicalReference } from '../../model/reference.ts';
import type { PullReport, PullTerms } from './pull-image.ts';
import { type PullResult, SharedPull } from './shared-pull.ts';

export interface PullsOptions {
  clock: Clock;
  pull: (terms: PullTerms, report: PullReport, signal: AbortSignal) => Promise<PullResult>;
}

/** Pulls under way: one for each image and platform, however many ask for it. */
export class Pulls {
  readonly #options: PullsOptions;
  readonly #running = new Map<string, SharedPull>();
  #closed?: FsbError;

  constructor(options: PullsOptions) {
    this.#options = options;
  }

  /**
   * Joins the pull that is under way, or begins one, when the first event is asked for. A reader that takes its time
   * holds nobody back, it only sees less.
   */
  async *pull(terms: PullTerms, signal?: AbortSignal): AsyncGenerator<PullEvent> {
    throwIfAborted(signal);
    const key = `${canonicalReference(terms.reference)} ${formatPlatform(terms.platform)}`;
    for (let old = this.#running.get(key); old?.isStopping; old = this.#running.get(key))
      await abortable(old.ended, signal);
    if (this.#closed) throw this.#closed;
    const pull = this.#running.get(key) ?? this.#begin(key, terms);
    yield* pull.read(signal);
  }

  /** Aborts all, and waits for their end. Idempotent. */
  async close(): Promise<void> {
    this.#closed ??= new FsbError('unavailable', 'the core is shutting down');
    const running = [...this.#running.values()];
    for (const pull of running) pull.stop(this.#closed);
    await Promise.all(running.map(({ ended }) => ended));
  }

  #begin(key: string, terms: PullTerms): SharedPull {
    const { clock, pull } = this.#options;
    const reference = canonicalReference(terms.reference);
    const work = async (report: PullReport, signal: AbortSignal): Promise<PullResult> => {
      try {
        return await pull(terms, report, signal);
      } finally {
        this.#running.delete(key);
      }
    };
    const shared = new SharedPull(reference, work, clock);
    this.#running.set(key, shared);
    return shared;
  }
}
