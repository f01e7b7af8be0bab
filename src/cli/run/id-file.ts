import { rmSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { World } from '../terminal/world.ts';

const REASONS: Record<string, string> = {
  ENOENT: 'its directory does not exist',
  ENOTDIR: 'something on the way is no directory',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
};

/**
 * Runs `create` and writes the id of what it made into `file`. The file is made first, so that two runs cannot both
 * think it theirs, nor one write a text or pull an image in vain, and removed again when `create` fails, or somebody insists on leaving it.
 * @throws conflict when the file exists; invalid_argument when it cannot be made
 */
export async function withIdFile<T extends { sandbox: { id: string } }>(
  file: string | undefined,
  { cwd, events }: Pick<World, 'cwd' | 'events'>,
  create: () => Promise<T>,
): Promise<T> {
  if (file === undefined) return create();
  const path = resolve(cwd, file);
  const handle = await open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST')
      throw new FsbError('conflict', `the id file ${file} exists already`, {
        hint: 'Remove it or name another one.',
      });
    const why = REASONS[error.code ?? ''] ?? error.message;
    throw new FsbError('invalid_argument', `cannot create the id file ${file}: ${why}`, {
      hint: 'Name a file in a directory that is there and that you may write to.',
      cause: error,
    });
  });
  const leave = (): void => rmSync(path, { force: true });
  events.on('exit', leave);
  try {
    const made = await create();
    await handle.writeFile(made.sandbox.id);
    return made;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    events.off('exit', leave);
    await handle.close();
  }
}
