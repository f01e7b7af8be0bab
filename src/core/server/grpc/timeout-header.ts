import type { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

/** Milliseconds of the units in `grpc-timeout`. */
export const TIMEOUT_UNITS: Readonly<Record<string, number>> = {
  ...{ H: 3_600_000, M: 60_000, S: 1000 },
  ...{ m: 1, u: 1e-3, n: 1e-6 },
};

/** Milliseconds for which the library's timers can wait: a longer deadline would be over at once. */
const LONGEST = 2 ** 31 - 1;
const LONGEST_SPELLED = `${Math.floor(LONGEST / 1000)}S`;

/**
 * Shortens deadlines that are further away than the library can count, 24 days. It takes them from the headers before anybody
 * is asked, so they are changed where they come in. To be called when the server has all that it listens with.
 */
export function shortenDeadlines(server: Server): void {
  const { http2Servers } = server as unknown as { http2Servers: ReadonlyMap<EventEmitter, unknown> };
  for (const listener of http2Servers.keys())
    listener.prependListener('stream', (_: unknown, headers: IncomingHttpHeaders) => {
      const said = headers['grpc-timeout'];
      if (typeof said === 'string' && isTooLong(said)) headers['grpc-timeout'] = LONGEST_SPELLED;
    });
}

/** As the library reads it. */
function isTooLong(header: string): boolean {
  const [, digits, unit = ''] = /(\d{1,8})\s*([HMSmun])/.exec(header) ?? [];
  return Number(digits) * (TIMEOUT_UNITS[unit] ?? 0) > LONGEST;
}
