import { FsbError } from './errors.ts';

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'something on the way to it is no directory',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
};

/**
 * Of a file that somebody named: not_found where there is none, else invalid_argument.
 * @param file as it was named
 * @param cause what Node's file system said
 */
export function unreadableFile(
  file: string,
  cause: NodeJS.ErrnoException,
  hint = 'Name a file that this user can read.',
): FsbError {
  const { code = '', message } = cause;
  const kind = code === 'ENOENT' ? 'not_found' : 'invalid_argument';
  return new FsbError(kind, `cannot read ${file}: ${REASONS[code] ?? message}`, { hint, cause });
}
