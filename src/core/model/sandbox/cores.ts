import { FsbError } from '../failure/errors.ts';

/** Less cannot be enforced: the kernel takes no shorter quota. */
const LEAST_CORES = 0.01;

/** As docker has it: more cores than there are is a promise that nobody can keep. */
export const areCoresThere = (cpus: number, cores: number): boolean => cpus >= LEAST_CORES && cpus <= cores;

/** `from 0.01 to 2: the node has 2 cores` */
export const coresThere = (cores: number): string =>
  `from ${LEAST_CORES} to ${cores}: the node has ${cores} ${cores === 1 ? 'core' : 'cores'}`;

/** @param cpus undefined: nothing is asked for @throws invalid_argument */
export function assertCores(cpus: number | undefined, cores: number): void {
  if (cpus === undefined || areCoresThere(cpus, cores)) return;
  throw new FsbError('invalid_argument', `cpus ${cpus} is not ${coresThere(cores)}`, {
    hint: `Give ${cores} at most, or leave it out. What a sandbox has is changed with: fsb-ctl update NAME --cpus ${cores}`,
  });
}
