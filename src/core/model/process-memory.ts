import { totalmem } from 'node:os';

/** Bytes that this process may take: of its cgroup, or of the machine. */
export const processMemory = (): number =>
  Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem());
