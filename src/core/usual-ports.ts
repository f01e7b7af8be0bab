import { crc32 } from 'node:zlib';

/** Below the ports that Linux gives to those who ask for any. */
const FIRST = 20_000;
const PAIRS = 6_000;

/** Addresses of HTTP and metrics; undefined: off. */
export interface Addresses {
  http?: string;
  metrics?: string;
}

/**
 * Where to listen, in the order to try: on what is asked for; where that is a usual port that somebody else has, on one that
 * this root has each time; else on any that is free. An address that the user named stays in all of them.
 */
export function addressesToTry(asked: Addresses, usual: readonly string[], root: string): Addresses[] {
  const own = FIRST + 2 * (crc32(root) % PAIRS);
  const standIns = [
    { http: own, metrics: own + 1 },
    { http: 0, metrics: 0 },
  ];
  const moved = (address: string | undefined, port: number): string | undefined =>
    address !== undefined && usual.includes(address) ? address.replace(/:\d+$/, `:${port}`) : address;
  const others = standIns.map(({ http, metrics }) => ({
    http: moved(asked.http, http),
    metrics: moved(asked.metrics, metrics),
  }));
  const isMovable = others[0]!.http !== asked.http || others[0]!.metrics !== asked.metrics;
  return isMovable ? [asked, ...others] : [asked];
}
