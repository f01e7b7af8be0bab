import { resolve } from 'node:path';
import type { Interfaces } from '@oclif/core';
import { FsbError } from '../../../core/model/failure/errors.ts';
import { DEFAULT_POOL } from '../../../core/model/ids.ts';
import { shellWords } from '../../../core/model/shell-words.ts';
import type { CoreStatus } from '../../../core/root/status-file.ts';
import { policyFlags } from '../../pool/policy-flags.ts';
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

/**
 * What a core that runs was started with. Who restarts one that cannot say would have one without its listeners and tokens.
 * @throws conflict
 */
export function flagsOf(core: CoreStatus | undefined): readonly string[] {
  if (core === undefined || core.flags !== undefined) return core?.flags ?? [];
  throw new FsbError('conflict', `the core (pid ${core.pid}) cannot say which flags it was started with`, {
    hint: 'Give the next one those that it is to have: fsb-ctl daemon stop, then fsb-ctl daemon start [FLAGS]',
  });
}

/**
 * Of the flags of a core, those that the next one has as well: none that it is given anew. Policies of pools are on record,
 * and may be others by now.
 */
export function keptFlags(before: readonly string[], given: readonly string[]): string[] {
  const said = new Set(given.map(subjectOf));
  return before.filter((word) => !(nameOf(word) in policyFlags) && !said.has(subjectOf(word)));
}

/**
 * What to type for a core that runs to have these flags; what is a policy's alone needs no other core.
 * @param before those that it was started with; its policies may be others by now
 */
export function wayToChange(given: readonly string[], before: readonly string[] = []): string | undefined {
  if (given.length === 0) return undefined;
  const isPolicy = (word: string): boolean => nameOf(word) in policyFlags;
  const others = given.filter((word) => isPolicy(word) || !before.includes(word));
  if (others.length === 0) return 'It has these flags already.';
  const way = others.every(isPolicy) ? `pool update ${DEFAULT_POOL}` : 'daemon restart';
  return `To change them: fsb-ctl ${way} ${shellWords(others)}`;
}

const nameOf = (word: string): string => /^--(?:no-)?([^=]+)/.exec(word)?.[1] ?? '';

/** There is one token file, whichever flag names it. */
const subjectOf = (word: string): string => (nameOf(word) === 'generate-token' ? 'token-file' : nameOf(word));
