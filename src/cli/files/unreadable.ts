import type { FsbError } from '../../core/model/failure/errors.ts';
import { unreadableFile } from '../../core/model/failure/unreadable-file.ts';
import { shellWords } from '../../core/model/shell-words.ts';
import { lookAround } from './look-around.ts';

/**
 * As unreadableFile(), with what to look at.
 * @param file as it was named
 * @param path absolute
 */
export function unreadable(file: string, path: string, error: unknown): FsbError {
  const { code = '' } = error as NodeJS.ErrnoException;
  const hints: Record<string, string> = {
    ENOENT: lookAround(path),
    EACCES: `See whose it is with: ls -l ${shellWords([path])}`,
    EISDIR: 'Name a file in it.',
  };
  return unreadableFile(file, error as NodeJS.ErrnoException, hints[code]);
}
