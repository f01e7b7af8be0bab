import type { EntryTime } from './tar/entry.ts';

/** What every file system of Linux can keep; beyond it Node's conversion would overflow. */
const LATEST = 2 ** 34 - 1;

/** Seconds as Node's fs takes them; a fraction is rounded to less than a microsecond. */
export const nodeTime = ({ seconds, nanoseconds }: EntryTime): number =>
  seconds > LATEST ? LATEST : seconds + nanoseconds / 1e9;

/** Undefined when Node keeps it as it is. */
export const exactTime = (time: EntryTime): EntryTime | undefined =>
  time.nanoseconds === 0 || time.seconds > LATEST ? undefined : time;
