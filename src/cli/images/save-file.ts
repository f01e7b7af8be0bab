import { randomBytes } from 'node:crypto';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isDiskFull } from '../../core/model/failure/disk-full.ts';
import { FsbError } from '../../core/model/failure/errors.ts';

/**
 * Writes bytes to a file that has its name only when all of them are in it; what was there before stays until then.
 * @throws invalid_argument when it cannot be such a file, no_capacity when the disk is full
 */
export async function saveToFile(file: string, cwd: string, content: AsyncIterable<Buffer>): Promise<void> {
  const target = await targetOf(resolve(cwd, file), file);
  const draft = `${target}.${randomBytes(6).toString('hex')}`;
  const handle = await open(draft, 'wx', 0o600).catch((error: unknown) => {
    throw cannotWrite(file, error);
  });
  try {
    for await (const chunk of content)
      await handle.writeFile(chunk).catch((error: unknown) => {
        throw cannotWrite(file, error);
      });
    await handle.close();
    await rename(draft, target);
  } catch (error) {
    await handle.close();
    await rm(draft, { force: true });
    throw error;
  }
}

async function targetOf(path: string, file: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return path;
  // A device would be replaced by a file, and be missed by everybody else.
  if (!found.isFile())
    throw new FsbError(
      'invalid_argument',
      `cannot write ${file}: it is ${found.isDirectory() ? 'a directory' : 'no ordinary file'}`,
      { hint: 'Name a file, or leave out --output and redirect standard output.' },
    );
  return realpath(path);
}

function cannotWrite(file: string, error: unknown): FsbError {
  const { code, message } = error as NodeJS.ErrnoException;
  const hint = 'Choose another place with --output.';
  if (isDiskFull(error))
    return new FsbError('no_capacity', `cannot write ${file}: the disk is full`, { hint, cause: error });
  const why: Record<string, string> = {
    ENOENT: 'its directory does not exist',
    ENOTDIR: 'its directory is none',
    EACCES: 'permission denied',
  };
  return new FsbError('invalid_argument', `cannot write ${file}: ${why[code ?? ''] ?? message}`, {
    hint,
    cause: error,
  });
}
