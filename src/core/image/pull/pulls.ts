import { isDeepStrictEqual } from 'node:util';
import { abortable } from '../../model/async/abortable.ts';
import type { Clock } from '../../model/clock.ts';
import { type ErrorCode, FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import type { RegistryCredentials } from '../../model/image/image-requests.ts';
import { formatPlatform } from '../../model/image/platform.ts';
import type { PullEvent } from '../../model/image/pull.ts';
import { canonicalReference } from '../../model/image/reference.ts';
import type { PullReport, PullTerms } from './pull-image.ts';
import { type PullResult, SharedPull } from './shared-pull.ts';

export interface PullsOptions {
  clock: Clock;
  pull: (terms: PullTerms, report: PullReport, signal: AbortSignal) => Promise<PullResult>;
}

interface Running {
  pull: SharedPull;
  /** Of the one who began it. */
  credentials?: RegistryCredentials;
}

/** What a registry may say to one user and not to another; some do not tell a stranger that they have an image. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set(['unauthenticated', 'denied', 'image_not_found']);

/** Pulls under way: one for each image and platform, however many ask for it. */
export class Pulls {
  readonly #options: PullsOptions;
  readonly #running = new Map<string, Running>();
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
    // Who may reach less must not end what another one may do.
    const reach = terms.outside ? ' outside' : '';
    const key = `${canonicalReference(terms.reference)} ${formatPlatform(terms.platform)}${reach}`;
    for (;;) {
      for (let old = this.#running.get(key); old?.pull.isStopping; old = this.#running.get(key))
        await abortable(old.pull.ended, signal);
      if (this.#closed) throw this.#closed;
      const { pull, credentials } = this.#running.get(key) ?? this.#begin(key, terms);
      try {
        return yield* pull.read(signal);
      } catch (error) {
        const isMine = isDeepStrictEqual(credentials, terms.credentials);
        if (isMine || !REFUSALS.has(FsbError.from(error).code)) throw error;
        // Somebody else was refused: the registry may know this one better.
        await abortable(pull.ended, signal);
      }
    }
  }

  /** Aborts all, and waits for their end. Idempotent. */
  async close(): Promise<void> {
    this.#closed ??= new FsbError('unavailable', 'the core is shutting down');
    const running = [...this.#running.values()];
    for (const { pull } of running) pull.stop(this.#closed);
    await Promise.all(running.map(({ pull }) => pull.ended));
  }

  #begin(key: string, terms: PullTerms): Running {
    const { clock, pull } = this.#options;
    const reference = canonicalReference(terms.reference);
    const work = async (report: PullReport, signal: AbortSignal): Promise<PullResult> => {
      try {
        return await pull(terms, report, signal);
      } finally {
        this.#running.delete(key);
      }
    };
    const begun = { pull: new SharedPull(reference, work, clock), credentials: terms.credentials };
    this.#running.set(key, begun);
    return begun;
  }
}
