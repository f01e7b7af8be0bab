import { Flags } from '@oclif/core';
import { FsbError } from '../../core/model/failure/errors.ts';
import { isPlainNumber, parseMemory as memoryOf, parseSize } from '../../core/model/quantity.ts';
import type { Resources } from '../../core/model/sandbox/shape.ts';
import { defined } from './given-only.ts';

/** What an instance may use at most. Every limit is a number; only a disk goes without one. */

export const cpusFlag = Flags.custom<number>({ helpValue: 'N', parse: async (text) => parseCpus(text) });

export const memoryFlag = Flags.custom<number>({
  helpValue: 'SIZE',
  parse: async (text) => parseMemory(text),
});

export const pidsFlag = Flags.custom<number>({ helpValue: 'N', parse: async (text) => parsePids(text) });

/** Bytes; its bounds are the core's to check. */
export const diskFlag = Flags.custom<number>({
  helpValue: 'SIZE',
  parse: async (text) => parseBytes(text, 'Write it like 512m or 10g, 16m at least.'),
});

/** Those that were given, of a command that may have more flags. */
export const limitsIn = ({ cpus, memory, pids, disk }: Partial<Resources>): Partial<Resources> =>
  defined({ cpus, memory, pids, disk });

/** @throws invalid_argument */
export function parseCpus(text: string): number {
  const cpus = Number(text);
  if (isPlainNumber(text) && cpus > 0) return cpus;
  throw new FsbError('invalid_argument', `invalid number of cores ${JSON.stringify(text)}`, {
    hint: 'Write it like 2 or 0.5: as many as the node has at most; there is no unlimited.',
  });
}

/** @returns bytes @throws invalid_argument */
export const parseMemory = (text: string): number =>
  parseBytes(text, 'Write it like 512m, 1.5g or 64Mi, 6m at least; there is no unlimited.', memoryOf);

function parseBytes(text: string, hint: string, parse = parseSize): number {
  try {
    return parse(text);
  } catch (error) {
    throw new FsbError('invalid_argument', FsbError.from(error).message, { hint, cause: error });
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
