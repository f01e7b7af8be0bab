/** An idle instance, as its ttl sees it. */
export interface AgeingCandidate {
  /** Monotonic milliseconds since which it has been idle in the pool. */
  since: number;
  /** Its ttl is longer or shorter by this part of it, -0.1 to 0.1. */
  jitter: number;
}

export const LARGEST_JITTER = 0.1;

export interface Expiry<C> {
  expired: C[];
  /** When the next of the surplus expires, or somewhat earlier: monotonic milliseconds, Infinity: never. */
  next: number;
}

/**
 * Which of the idle ones of a shape go because nobody needed them for their ttl: of `surplus`, which nothing keeps, the
 * ones whose time is over, first those whose time was over first. `idle` is in the order of `since`.
 */
export function chooseExpired<C extends AgeingCandidate>(
  idle: readonly C[],
  surplus: number,
  ttl: number,
  now: number,
): Expiry<C> {
  const oldest = idle[0];
  if (surplus <= 0 || ttl === 0 || oldest === undefined)
    return { expired: [], next: Number.POSITIVE_INFINITY };
  // None of them can be due before the oldest would be with the shortest ttl: mostly there is nothing to look through.
  const earliest = oldest.since + ttl * (1 - LARGEST_JITTER);
  if (earliest > now) return { expired: [], next: earliest };
  const byTime = idle
    .map((candidate) => ({ candidate, due: candidate.since + ttl * (1 + candidate.jitter) }))
    .sort((a, b) => a.due - b.due)
    .slice(0, surplus);
  const expired = byTime.filter(({ due }) => due <= now);
  return {
    expired: expired.map(({ candidate }) => candidate),
    next: byTime[expired.length]?.due ?? Number.POSITIVE_INFINITY,
  };
}
