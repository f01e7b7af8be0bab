import type { EntryTime } from './entry.ts';

/** What every file system of Linux can keep; beyond it Node's conversion would overflow. */
const LATEST = 2 ** 34 - 1;

/**
 * Seconds as Node's fs takes them, which are right to a microsecond. Nanoseconds would have to be kept of every file until
 * the end, and an honest layer of half a million files would not fit.
 */
export const nodeTime = ({ seconds, nanoseconds }: EntryTime): number =>
  seconds > LATEST ? LATEST : seconds + nanoseconds / 1e9;
