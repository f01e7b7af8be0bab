import { setTimeout as pause } from 'node:timers/promises';
import { FsbError } from '../../../core/model/failure/errors.ts';
import { isGone } from '../../../core/model/process-identity.ts';
import { acquireLock } from '../../../core/root/lock.ts';
import { type LocalCore, launchBinary } from './local-core.ts';
import { runningCore } from './running-core.ts';

const STOP_DEADLINE = 30_000;
/** Milliseconds between two looks at a process that is not our child: nothing tells of its end. */
const LOOK = 5;

/**
 * Ends the running core in order; its sandboxes keep running. False when none ran.
 * @param deadline milliseconds
 * @throws timeout: it does not end; unavailable: nobody can see whether it does
 */
export async function stopCore(local: LocalCore, deadline = STOP_DEADLINE): Promise<boolean> {
  const { paths, packageRoot } = local;
  const status = await runningCore(local);
  if (!status) return false;
  const last = performance.now() + deadline;
  process.kill(status.pid, 'SIGTERM');
  const lock = await acquireLock(launchBinary(packageRoot), paths.lock, deadline).catch((error: unknown) => {
    const { code, message, hint } = FsbError.from(error);
    if (code === 'conflict') throw tooLate(status.pid, deadline, local, error);
    throw new FsbError(
      'unavailable',
      `the core (pid ${status.pid}) was told to end, but not seen to: ${message}`,
      {
        hint,
        cause: error,
      },
    );
  });
  await lock.release();
  // An orderly end frees the lock a moment before the process, with all that it has open, is gone.
  while (!isGone(status.pid)) {
    if (performance.now() > last) throw tooLate(status.pid, deadline, local);
    await pause(LOOK);
  }
  return true;
}

const tooLate = (pid: number, deadline: number, { paths }: LocalCore, cause?: unknown): FsbError =>
  new FsbError('timeout', `the core (pid ${pid}) did not end within ${deadline / 1000} s`, {
    hint: `Look at its log: ${paths.log}. Where it hangs, sandboxes outlive it: kill -9 ${pid}`,
    cause,
  });
