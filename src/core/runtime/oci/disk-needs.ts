import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { FsbError } from '../../model/failure/errors.ts';
import { findProgram } from './node-facts.ts';

const PROGRAMS = ['mke2fs', 'e2fsck'];
const LOOP_DEVICES = '/dev/loop-control';

export const DISK_HINT =
  'A limit of disk needs e2fsprogs (apt-get install e2fsprogs) and loop devices (modprobe loop; a container must be given them).';

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
    hint: DISK_HINT,
  });
}
