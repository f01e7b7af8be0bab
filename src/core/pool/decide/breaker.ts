import type { ErrorBody } from '../../model/failure/errors.ts';

/**
 * The circuit breaker of one shape, as a value:
 *
 *     closed -- 3 failures in a row --> open -- the delay has passed --> trial -- failure --> open, twice the delay
 *        ^------------------------------- success, from any of them -----------'
 */
export interface Breaker {
  readonly phase: 'closed' | 'open' | 'trial';
  /** In a row. */
  readonly failures: number;
  /** Milliseconds from opening to the next trial; 0 while it has never been open since the last success. */
  readonly delay: number;
  /** What the last attempt failed with; undefined when none did since the last success. */
  readonly failure?: ErrorBody;
}

const FAILURES_TO_OPEN = 3;
const FIRST_DELAY = 1000;
const LONGEST_DELAY = 60_000;

export const closedBreaker: Breaker = { phase: 'closed', failures: 0, delay: 0 };

export function afterFailure(breaker: Breaker, failure: ErrorBody): Breaker {
  const failures = breaker.failures + 1;
  switch (breaker.phase) {
    // Attempts that began before it opened end one after another: they say nothing new and must not stretch the delay.
    case 'open':
      return { ...breaker, failures, failure };
    case 'trial':
      return { phase: 'open', failures, delay: Math.min(breaker.delay * 2, LONGEST_DELAY), failure };
    case 'closed':
      return failures < FAILURES_TO_OPEN
        ? { ...breaker, failures, failure }
        : { phase: 'open', failures, delay: FIRST_DELAY, failure };
  }
}

export const afterSuccess = (): Breaker => closedBreaker;

export const afterDelay = (breaker: Breaker): Breaker =>
  breaker.phase === 'open' ? { ...breaker, phase: 'trial' } : breaker;

/** How many attempts may be under way at once. */
export function attemptsAllowed(breaker: Breaker): number {
  if (breaker.phase === 'closed') return Number.POSITIVE_INFINITY;
  return breaker.phase === 'trial' ? 1 : 0;
}
