import { Flags } from '@oclif/core';
import { FsbError } from '../../core/model/failure/errors.ts';
import { isPlainNumber } from '../../core/model/quantity.ts';

export const rateFlag = Flags.custom<number>({ helpValue: '0..1', parse: async (text) => parseRate(text) });

/** @throws invalid_argument */
function parseRate(text: string): number {
  const rate = Number(text);
  if (isPlainNumber(text) && rate <= 1) return rate;
  throw new FsbError('invalid_argument', `invalid rate ${JSON.stringify(text)}`, {
    hint: 'Write it like 0.5: from 0 to 1.',
  });
}
