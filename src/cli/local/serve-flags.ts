import { resolve } from 'node:path';
import type { Interfaces } from '@oclif/core';
import { coreFlags } from './core-flags.ts';
import { SECURITY_FILES } from './security-flags.ts';

/** The same flags again as they were typed, for the core's own command line, which runs in another directory. */
export function serveFlags(words: Interfaces.ParserOutput['raw'], cwd: string): string[] {
  return words.flatMap((word) => {
    if (word.type !== 'flag' || word.flag === 'root' || !(word.flag in coreFlags)) return [];
    if (coreFlags[word.flag as keyof typeof coreFlags].type === 'boolean') return [word.input];
    return [`--${word.flag}=${SECURITY_FILES.includes(word.flag) ? resolve(cwd, word.input) : word.input}`];
  });
}
