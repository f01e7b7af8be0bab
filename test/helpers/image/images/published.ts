import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withFileLock } from './file-lock.ts';

/**
 * A directory that is expensive to make and always the same: made once for all test processes of this machine, in the
 * temporary directory, and kept. It appears whole or not at all, and there is another one when `madeOf` is another.
 * @param madeOf all that decides what will be in it
 * @param make fills the directory that it is given
 */
export async function published(
  name: string,
  madeOf: unknown,
  make: (directory: string) => Promise<void>,
): Promise<string> {
  const key = createHash('sha256').update(JSON.stringify(madeOf)).digest('hex').slice(0, 16);
  const cache = join(tmpdir(), `fsb-test-images-${process.getuid?.() ?? 0}`);
  const target = join(cache, `${name}-${key}`);
  if (existsSync(target)) return target;
  await mkdir(cache, { recursive: true, mode: 0o700 });
  return withFileLock(join(cache, `${name}.lock`), async () => {
    if (existsSync(target)) return target;
    const staging = await mkdtemp(join(cache, `.${name}-`));
    try {
      await make(staging);
      await rename(staging, target);
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
    return target;
  });
}
