import { Flags } from '@oclif/core';
import { FsbError } from '../../core/model/failure/errors.ts';
import { parseDuration } from '../../core/model/quantity.ts';

/** What is to become of a lost sandbox. */

export const failurePolicyFlag = Flags.custom<string>({ helpValue: 'POLICY' });

/** In seconds. */
export const recoveryTimeoutFlag = Flags.custom<number>({
  helpValue: 'DURATION',
  parse: async (text) => wholeSeconds(parseDuration(text)),
});

function wholeSeconds(ms: number): number {
  if (ms % 1000 === 0) return ms / 1000;
  throw new FsbError('invalid_argument', 'it must be a number of whole seconds', {
    hint: 'Write it like 30s or 5m.',
  });
}
