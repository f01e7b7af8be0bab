import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FsbError } from '../../../core/model/failure/errors.ts';
import { unusable } from '../../../core/root/private-directory.ts';
import type { LocalCore } from '../daemon/local-core.ts';
import { type Check, checksOf } from './check.ts';

const ROOT = 'root';

/** Whether a core may write where it keeps its things. Asked, not tried: nothing is made. */
export const rootCheck = ({ paths }: LocalCore): Promise<Check[]> =>
  checksOf(ROOT, async () => {
    const directories = [...new Set([paths.state, paths.run])];
    for (const directory of directories) await assertWritable(directory);
    for (const lock of [paths.lock, `${paths.lock}.start`]) await assertNoDirectory(lock);
    return [{ name: ROOT, ok: true, found: `${directories.join(' and ')} can be written`, hint: '' }];
  });

/** @throws what making or using it would: denied, invalid_argument */
async function assertWritable(directory: string): Promise<void> {
  try {
    // The slash: a file is no answer.
    await access(`${await firstExisting(directory)}/`, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unusable(directory, error);
  }
}

async function assertNoDirectory(lock: string): Promise<void> {
  const found = await stat(lock).catch(() => undefined);
  if (!found?.isDirectory()) return;
  throw new FsbError('invalid_argument', `cannot lock ${lock}: it is a directory`, {
    hint: `Remove it, no core can start with it: rm -r ${lock}`,
  });
}

/** Itself, or the first above it that is there. */
export async function firstExisting(path: string): Promise<string> {
  return access(path).then(
    () => path,
    () => firstExisting(join(path, '..')),
  );
}
