import { FsbError } from '../model/failure/errors.ts';
import type { ByteText } from './entry.ts';

/** Paths of the node as file names of bytes, for names that need not be UTF-8. */
export const bytesOfPath = (path: string): ByteText => Buffer.from(path).toString('latin1');

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all of ASCII
const ASCII = /^[\x00-\x7f]*$/;

/** What Node's fs takes for a path of bytes. */
export const fsPath = (path: ByteText): string | Buffer =>
  ASCII.test(path) ? path : Buffer.from(path, 'latin1');

/** For people. */
export const shown = (name: ByteText): string => Buffer.from(name, 'latin1').toString();

/**
 * The parts of a name in a tar; an absolute name is meant below the same directory.
 * @throws invalid_argument for `..` and NUL, which no honest tar has
 */
export function partsOf(name: ByteText): string[] {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..'))
    throw new FsbError(
      'invalid_argument',
      `the name ${JSON.stringify(shown(name))} leads out of its directory`,
    );
  if (name.includes('\0'))
    throw new FsbError('invalid_argument', `the name ${JSON.stringify(shown(name))} has a NUL byte`);
  return parts;
}

/**
 * For a piece of a name that is kept: a string that was cut out of another one holds all of the other one in memory, which
 * no budget sees.
 */
export const detached = (piece: ByteText): ByteText => Buffer.from(piece, 'latin1').toString('latin1');

export const baseOf = (parts: string[]): string => parts.at(-1) ?? '';
