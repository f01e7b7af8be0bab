import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { FsbError } from '../../core/model/failure/errors.ts';
import { printable } from '../output/output.ts';

/** What Node puts where a word has bytes that are no UTF-8. A name may have the character itself, too. */
const REPLACEMENT = '\uFFFD';

/**
 * The path would be another one than was typed: a file nobody asked for, or one that is not there.
 * @param line the words of this process, as they were typed
 * @throws invalid_argument for a word that has other bytes now
 */
export function assertUtf8Words(words: readonly string[], line = typedLine): void {
  const changed = words.find((word) => word.includes(REPLACEMENT));
  if (changed === undefined || isUtf8(line())) return;
  throw new FsbError('invalid_argument', `the path ${printable(changed)} has bytes that are no UTF-8`, {
    hint: 'Within a directory such names are copied as they are: name the one that it is in.',
  });
}

const typedLine = (): Buffer => readFileSync('/proc/self/cmdline');
