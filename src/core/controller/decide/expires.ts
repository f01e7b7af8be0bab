import type { Clock } from '../../model/clock.ts';
import type { Deadline } from '../../model/expiry.ts';
import type { Sandbox } from '../../model/sandbox/sandbox.ts';

/** The part of a record that says when a sandbox ends. */
export type Expires = Pick<Sandbox, 'expiresAt' | 'ttlEnd'>;

export const NEVER: Expires = { expiresAt: 0, ttlEnd: undefined };

/** @param unixSeconds 0: never */
const atTime = (unixSeconds: number): Expires => ({
  expiresAt: unixSeconds * 1000,
  ttlEnd: undefined,
});

/**
 * When it began, on the monotonic clock. Only the wall clock says how long ago that is, and it may have jumped since: it was
 * not before it was asked for, which a core that was not there then does not know.
 * @param startedAt wall clock milliseconds
 */
export const beganAt = (startedAt: number, clock: Clock, asked = Number.NEGATIVE_INFINITY): number =>
  Math.max(asked, clock.monotonic() - Math.max(0, clock.now() - startedAt));

/** @param startedAt wall clock milliseconds, and `began` on the monotonic clock; a ttl counts from there */
export function expiresOf(
  { ttl, expire_time }: Sandbox['spec'],
  { startedAt, began }: { startedAt: number; began: number },
): Expires {
  if (ttl === undefined) return atTime(expire_time);
  return { expiresAt: startedAt + ttl, ttlEnd: began + ttl };
}

/** What has a ttl keeps it over a restart of the core, whatever the wall clock does; what has a time follows that. */
export function deadlineOf({ expiresAt, ttlEnd }: Expires): Deadline | undefined {
  if (ttlEnd !== undefined) return { monotonic: ttlEnd };
  return expiresAt === 0 ? undefined : { wall: expiresAt };
}
