import type { Clock } from '../model/clock.ts';
import type { Deadline } from '../model/expiry.ts';
import type { Sandbox } from '../model/sandbox.ts';

/** The part of a record that says when a sandbox ends. */
export type Expires = Pick<Sandbox, 'expiresAt' | 'ttlEnd'>;

export const NEVER: Expires = { expiresAt: 0, ttlEnd: undefined };

/** @param unixSeconds 0: never */
const atTime = (unixSeconds: number): Expires => ({
  expiresAt: unixSeconds * 1000,
  ttlEnd: undefined,
});

/** @param startedAt wall clock milliseconds; a ttl counts from there */
export function expiresOf({ ttl, expire_time }: Sandbox['spec'], startedAt: number, clock: Clock): Expires {
  if (ttl === undefined) return atTime(expire_time);
  const gone = Math.max(0, clock.now() - startedAt);
  return { expiresAt: startedAt + ttl, ttlEnd: clock.monotonic() + ttl - gone };
}

/** What has a ttl keeps it over a restart of the core, whatever the wall clock does; what has a time follows that. */
export function deadlineOf({ expiresAt, ttlEnd }: Expires): Deadline | undefined {
  if (ttlEnd !== undefined) return { monotonic: ttlEnd };
  return expiresAt === 0 ? undefined : { wall: expiresAt };
}
