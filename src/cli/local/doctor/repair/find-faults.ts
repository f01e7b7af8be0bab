import type { LocalCore } from '../../daemon/local-core.ts';
import { runningCore } from '../../daemon/running-core.ts';
import { type Check, failedCheck } from '../check.ts';
import { leftByDeadCore } from './dead-core.ts';
import { missingDirectories } from './directories.ts';
import type { Fault, FindFaults } from './fault.ts';
import { missingGuestPrograms } from './guest-programs.ts';
import { leftMounts } from './mounts.ts';

// What comes later may need what comes before. By what is looked at.
const FINDERS: [string, FindFaults][] = [
  ['guest sources', missingGuestPrograms],
  ['directories', missingDirectories],
  ['mounts', leftMounts],
  ['leftovers', leftByDeadCore],
];

/**
 * What `doctor --fix` puts right, in this order. What a living core owns is never among it.
 * @returns `unseen`: what could not be looked at
 */
export async function findFaults(
  local: LocalCore,
  version: string,
): Promise<{ faults: Fault[]; unseen: Check[] }> {
  // Where nobody can tell, it may own everything: the check of the core says why.
  const running = await runningCore(local).then(
    (status) => status !== undefined,
    () => true,
  );
  const [faults, unseen]: [Fault[], Check[]] = [[], []];
  for (const [name, find] of FINDERS)
    await find(local, { running, version }).then(
      (found) => faults.push(...found),
      (error: unknown) => unseen.push(failedCheck(name, error)),
    );
  return { faults, unseen };
}
