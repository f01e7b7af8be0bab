import { open, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FsbError } from '../../core/model/errors.ts';
import { fileError } from '../copy/local-files.ts';

/**
 * Runs `create` and writes the id of what it made into `file`. The file is made first, so that two runs cannot both
 * think it theirs, and removed again when `create` fails.
 * @throws conflict when the file exists; invalid_argument, denied, no_capacity when it cannot be made
 */
export async function withIdFile<T extends { id: string }>(
  file: string | undefined,
  cwd: string,
  create: () => Promise<T>,
): Promise<T> {
  if (file === undefined) return create();
  const path = resolve(cwd, file);
  const handle = await open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST')
      throw new FsbError('conflict', `the id file ${file} exists already`, {
        hint: 'Remove it or name another one.',
      });
    if (error.code === 'ENOENT')
      throw new FsbError(
        'invalid_argument',
        `cannot create the id file ${file}: its directory does not exist`,
        {
          hint: 'Create the directory first, or name another one.',
          cause: error,
        },
      );
    throw fileError('create the id file', file, error);
  });
  try {
    const made = await create();
    await handle.writeFile(made.id);
    return made;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}
