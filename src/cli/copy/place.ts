import { posix, resolve } from 'node:path';
import { FsbError } from '../../core/model/failure/errors.ts';
import { assertName } from '../../core/model/ids.ts';

/** One side of a copy, as the user wrote it. */
export type Place =
  | { kind: 'stream' }
  | { kind: 'local'; path: string }
  | { kind: 'remote'; name: string; path: string };

/**
 * `box:/path` is in a sandbox, `-` a tar on standard input or output, all else a path here. As docker has it, a local
 * path with a colon needs a slash or a dot in front.
 * @param cwd what a local path is relative to; one in a sandbox is relative to its root
 * @throws invalid_argument
 */
export function parsePlace(word: string, cwd: string): Place {
  if (word === '-') return { kind: 'stream' };
  // A variable that is not set, most likely: whoever means the working directory says so.
  if (word === '')
    throw new FsbError('invalid_argument', 'an empty word is no path', {
      hint: 'The working directory is .',
    });
  const colon = word.indexOf(':');
  if (colon < 1 || word.startsWith('/') || word.startsWith('.'))
    return { kind: 'local', path: asserting(word, resolve(cwd, word)) };
  const name = word.slice(0, colon);
  assertName(name, 'sandbox name');
  const path = word.slice(colon + 1);
  // As docker: whoever forgot the path would get everything there is.
  if (path === '') throw noPath(name);
  return { kind: 'remote', name, path: asserting(path, posix.resolve('/', path)) };
}

const noPath = (name: string): FsbError =>
  new FsbError('invalid_argument', `no path after ${name}:`, { hint: `Everything in it is ${name}:/` });

/** The end of the path says what must be there: `/` a directory, `/.` the content of one. */
function asserting(word: string, clean: string): string {
  if (/(^|\/)\.\/*$/.test(word)) return clean === '/' ? '/.' : `${clean}/.`;
  return word.endsWith('/') && clean !== '/' ? `${clean}/` : clean;
}

/** The path says that there is a directory. */
export const assertsDirectory = (path: string): boolean => path.endsWith('/') || path.endsWith('/.');

/** Directory and last part, which is `.` for the content of a directory and for the root. */
export function splitPath(path: string): { directory: string; base: string } {
  if (path === '/') return { directory: '/', base: '.' };
  const clean = path.endsWith('/') ? path.slice(0, -1) : path;
  const slash = clean.lastIndexOf('/');
  return { directory: clean.slice(0, slash) || '/', base: clean.slice(slash + 1) };
}
