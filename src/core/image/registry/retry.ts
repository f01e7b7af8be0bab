import type { Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';

/** A failure that may go better the next time. It never leaves this folder: `error` does. */
export class Retryable extends Error {
  readonly error: FsbError;
  /** How long the server wants to be left alone, in milliseconds. */
  readonly after?: number;

  constructor(error: FsbError, after?: number) {
    super(error.message);
    this.error = error;
    if (after !== undefined) this.after = after;
  }
}

export interface RetryTerms {
  clock: Clock;
  /** From 0 to 1. */
  random: () => number;
  /** Attempts without progress before it is given up. */
  limit: number;
  onRetry?: (why: string) => void;
  signal?: AbortSignal;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
const LONGEST_RETRY_AFTER = 60_000;

/** Counts the attempts of one undertaking, and waits between them, longer each time. */
export class Attempts {
  readonly #terms: RetryTerms;
  #failed = 0;

  constructor(terms: RetryTerms) {
    this.#terms = terms;
  }

  /** Something came: the next failure is a first one. */
  progress(): void {
    this.#failed = 0;
  }

  /** Returns when the next attempt is due. @throws the error itself when there is to be none */
  async failed(failure: unknown): Promise<void> {
    const { clock, limit, onRetry, signal } = this.#terms;
    throwIfAborted(signal);
    if (!(failure instanceof Retryable)) throw failure;
    this.#failed += 1;
    if (this.#failed >= limit) throw failure.error;
    const wait = failure.after ?? this.#backoff();
    onRetry?.(`${failure.error.message}; trying again in ${seconds(wait)}`);
    throwIfAborted(signal);
    await sleep(clock, wait, signal);
  }

  /** Between half and all of the time, so that many who failed together do not come back together. */
  #backoff(): number {
    const whole = Math.min(FIRST_WAIT * 2 ** (this.#failed - 1), LONGEST_WAIT);
    return whole * (0.5 + this.#terms.random() / 2);
  }
}

export async function retrying<T>(terms: RetryTerms, attempt: () => Promise<T>): Promise<T> {
  const attempts = new Attempts(terms);
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      await attempts.failed(error);
    }
  }
}

/** Seconds, or a date. @returns milliseconds, at most a minute */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  // Date.parse takes `-5` for a month.
  const date = /[a-z]/i.test(header) ? Date.parse(header) : Number.NaN;
  const wait = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : date - now;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), LONGEST_RETRY_AFTER);
}

const seconds = (ms: number): string => `${ms < 10_000 ? (ms / 1000).toFixed(1) : Math.round(ms / 1000)} s`;

function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      cancel();
      reject(FsbError.from(signal?.reason));
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    });
    signal?.addEventListener('abort', aborted, { once: true });
  });
}
