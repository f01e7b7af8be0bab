import { Flags, type Interfaces } from '@oclif/core';
import type { SandboxChange } from '../../core/api/sandbox-api.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { parseDuration } from '../../core/model/quantity.ts';
import { repeated } from '../command/flags.ts';
import { defined } from '../command/given-only.ts';
import { cpusFlag, limitsIn, memoryFlag, pidsFlag } from '../command/limit-flags.ts';
import { parseLabels } from './env-words.ts';
import { failurePolicyFlag, recoveryTimeoutFlag } from './recovery-flags.ts';

/** As of `run`. 0 is "never" for the core, and nothing that somebody means who asks for so short a time. */
function parseTtl(text: string): number {
  const ms = parseDuration(text);
  if (ms > 0) return ms;
  throw new FsbError('invalid_argument', 'must be longer than 0', {
    hint: 'Without an end it is --ttl none.',
  });
}

/** The flags of `update` beside the global ones. */
export const changeFlags = {
  'expire-time': Flags.integer({
    summary: 'End it at this time, in unix seconds; 0: never.',
    min: 0,
    helpValue: 'UNIX',
    exclusive: ['ttl'],
  }),
  ttl: Flags.custom<number>({ parse: async (text) => (text === 'none' ? 0 : parseTtl(text)) })({
    summary: 'End it after this long from now on (90s, 5m, 2d), and after each start; none: never.',
    helpValue: 'DURATION|none',
  }),
  'failure-policy': failurePolicyFlag({
    summary: 'When it is lost: Manual, it stays so, or AutoRecreate, it begins anew from the image.',
  }),
  'recovery-timeout': recoveryTimeoutFlag({
    summary: 'How long AutoRecreate waits first, in whole seconds; of one that is lost from now on.',
  }),
  label: Flags.string({
    ...repeated,
    char: 'l',
    summary: 'Set a label, or take it off with K-.',
    helpValue: 'K=V|K-',
  }),
  cpus: cpusFlag({ summary: 'Cores, may be a fraction.' }),
  memory: memoryFlag({ char: 'm', summary: 'Memory limit (512m, 1.5g).' }),
  pids: pidsFlag({ aliases: ['pids-limit'], summary: 'Limit of processes and threads.' }),
};

/** @throws invalid_argument: nothing is changed, or a word does not read */
export function changeOf(flags: Partial<Interfaces.InferredFlags<typeof changeFlags>>): SandboxChange {
  const resources = limitsIn(flags);
  const change = defined({
    expireTime: flags['expire-time'],
    ttl: flags.ttl,
    failurePolicy: flags['failure-policy'],
    recoveryTimeoutSeconds: flags['recovery-timeout'],
    labels: flags.label && labelChanges(flags.label),
    resources: Object.keys(resources).length === 0 ? undefined : resources,
  });
  if (Object.keys(change).length > 0) return change;
  throw new FsbError('invalid_argument', 'nothing to change was given', {
    hint: 'Give --ttl, --label or another flag; see fsb-ctl update --help.',
  });
}

/**
 * `k=v` sets, `k-` takes off; the last word about a label holds. `k` alone is a word of `run`: here it would empty a label
 * of whoever forgot the dash.
 * @throws invalid_argument
 */
export function labelChanges(words: string[]): Record<string, string | null> {
  return Object.assign({}, ...words.map(labelChange));
}

function labelChange(word: string): Record<string, string | null> {
  if (word.includes('=')) return parseLabels([word]);
  if (/.-$/.test(word)) return { [word.slice(0, -1)]: null };
  throw new FsbError('invalid_argument', `--label ${JSON.stringify(word)} is neither K=V nor K-`, {
    hint: 'Write it like --label team=red, with an empty value --label team=, or take it off: --label team-',
  });
}
