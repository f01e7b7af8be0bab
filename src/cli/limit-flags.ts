import { Flags } from '@oclif/core';
import { FsbError } from '../core/model/errors.ts';
import { parseSize } from '../core/model/quantity.ts';

/** What an instance may use at most. Every limit is a number: there is no unlimited. */

export const cpusFlag = Flags.custom<number>({ helpValue: 'N', parse: async (text) => parseCpus(text) });

export const memoryFlag = Flags.custom<number>({
  helpValue: 'SIZE',
  parse: async (text) => parseMemory(text),
});

export const pidsFlag = Flags.custom<number>({ helpValue: 'N', parse: async (text) => parsePids(text) });

/** @throws invalid_argument */
export function parseCpus(text: string): number {
  const cpus = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && cpus > 0) return cpus;
  throw new FsbError('invalid_argument', `invalid number of cores ${JSON.stringify(text)}`, {
    hint: 'Write it like 2 or 0.5: as many as the node has at most; there is no unlimited.',
  });
}

/** @returns bytes @throws invalid_argument */
export function parseMemory(text: string): number {
  try {
    return parseSize(text);
  } catch (error) {
    throw new FsbError('invalid_argument', FsbError.from(error).message, {
      hint: 'Write it like 512m, 1.5g or 64Ki, 6m at least; there is no unlimited.',
      cause: error,
    });
  }
}

/** @throws invalid_argument */
export function parsePids(text: string): number {
  const pids = Number(text);
  if (/^\d+$/.test(text) && pids >= 1 && Number.isSafeInteger(pids)) return pids;
  throw new FsbError('invalid_argument', `invalid number of processes ${JSON.stringify(text)}`, {
    hint: 'Write a whole number from 1 on, like 256; there is no unlimited.',
  });
}
