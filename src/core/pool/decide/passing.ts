/** How often later waiters went before one that lacks room. */
export interface Passing {
  /** Since the line behind it was last opened. */
  overtaken: number;
  /** Until when the line behind it is closed: monotonic milliseconds; 0 while it never was since it last opened. */
  closedUntil: number;
}

/**
 * A waiter with a large instance lets so many boots go before it; then nothing passes it for a while, and what is
 * released gathers until it fits. Without the limit a stream of small requests starves it; with 0 it would stop the
 * whole queue at once.
 */
export const OVERTAKE_LIMIT = 16;

/**
 * Milliseconds for which the line is closed; then its count begins anew. Without an end, one waiter that nothing can
 * help would stop everybody behind it until its deadline.
 */
export const CLOSURE = 2000;

export const unpassed: Readonly<Passing> = { overtaken: 0, closedUntil: 0 };

/** How many more may pass it now. */
export function mayPass({ overtaken, closedUntil }: Passing, now: number): number {
  if (overtaken < OVERTAKE_LIMIT) return OVERTAKE_LIMIT - overtaken;
  return now < closedUntil ? 0 : OVERTAKE_LIMIT;
}

export function passed(before: Passing, times: number, now: number): Passing {
  const overtaken = OVERTAKE_LIMIT - mayPass(before, now) + times;
  return { overtaken, closedUntil: overtaken < OVERTAKE_LIMIT ? 0 : now + CLOSURE };
}
