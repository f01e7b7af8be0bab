import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { FsbError } from '../../model/failure/errors.ts';
import { findProgram } from './node-facts.ts';

const PROGRAMS = ['mke2fs', 'e2fsck'];
const LOOP_DEVICES = '/dev/loop-control';

const HINTS = {
  programs: 'e2fsprogs (apt-get install e2fsprogs)',
  loops: 'loop devices (modprobe loop; a container must be given /dev/loop-control and /dev/loop*)',
};

/** How to get what is missing, or all that is needed. */
export function diskHint(missing: readonly string[] = [...PROGRAMS, LOOP_DEVICES]): string {
  const parts = [
    ...(missing.some((each) => PROGRAMS.includes(each)) ? [HINTS.programs] : []),
    ...(missing.includes(LOOP_DEVICES) ? [HINTS.loops] : []),
  ];
  return `A limit of disk needs ${parts.join(' and ')}.`;
}

/** Of what a limit of disk needs on the node, that which is not there. A kernel without ext4 tells only when it mounts. */
export async function missingForDisks(): Promise<string[]> {
  const found = await Promise.all(PROGRAMS.map(findProgram));
  const missing = PROGRAMS.filter((_, index) => found[index] === undefined);
  const loops = await access(LOOP_DEVICES, constants.W_OK).then(
    () => true,
    () => false,
  );
  return loops ? missing : [...missing, LOOP_DEVICES];
}

/** @throws unsupported that names what is missing: an instance without its limit is none that was asked for */
export async function requireDiskNeeds(what: string): Promise<void> {
  const missing = await missingForDisks();
  if (missing.length === 0) return;
  throw new FsbError('unsupported', `${what}: its disk cannot be limited without ${missing.join(', ')}`, {
    hint: diskHint(missing),
  });
}
