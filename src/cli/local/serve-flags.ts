import type { Interfaces } from '@oclif/core';
import { coreFlags } from './core-flags.ts';

/** The same flags again as they were typed, for the core's own command line. */
export function serveFlags(words: Interfaces.ParserOutput['raw']): string[] {
  return words.flatMap((word) => {
    if (word.type !== 'flag' || word.flag === 'root' || !(word.flag in coreFlags)) return [];
    return coreFlags[word.flag as keyof typeof coreFlags].type === 'boolean'
      ? [word.input]
      : [`--${word.flag}=${word.input}`];
  });
}
