import { type LocalCore, runningCore } from '../local-core.ts';
import { leftByDeadCore } from './dead-core.ts';
import { missingDirectories } from './directories.ts';
import type { Fault, FindFaults } from './fault.ts';
import { missingGuestPrograms } from './guest-programs.ts';
import { leftMounts } from './mounts.ts';

// What comes later may need what comes before.
const FINDERS: FindFaults[] = [missingGuestPrograms, missingDirectories, leftMounts, leftByDeadCore];

/** What `doctor --fix` puts right, in this order. What a living core owns is never among it. */
export async function findFaults(local: LocalCore, version: string): Promise<Fault[]> {
  const running = (await runningCore(local)) !== undefined;
  const found: Fault[] = [];
  for (const find of FINDERS) found.push(...(await find(local, { running, version })));
  return found;
}
