import { FsbError } from '../../../core/model/failure/errors.ts';
import { acquireLock } from '../../../core/root/lock.ts';
import { forgetEnded, removeStatus } from '../../../core/root/status-file.ts';
import { flagsOfEnded } from '../flags/ended-core.ts';
import { type LocalCore, launchBinary } from './local-core.ts';

/**
 * The next core begins as after one that was stopped in order. @returns the flags that it will not have
 * @throws what keeps anybody from the lock of the core
 */
export async function forgetFlagsOfEnded({ paths, packageRoot }: LocalCore): Promise<string[]> {
  const flags = await flagsOfEnded(paths);
  if (flags.length === 0) return [];
  const lock = await acquireLock(launchBinary(packageRoot), paths.lock, 0).catch((error: unknown) => {
    // One is starting: the file is its own.
    if (FsbError.from(error).code === 'conflict') return undefined;
    throw error;
  });
  if (lock === undefined) return [];
  try {
    await removeStatus(paths.status);
    await forgetEnded(paths.status);
  } finally {
    await lock.release();
  }
  return flags;
}
