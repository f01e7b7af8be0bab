import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

const NAME = /^(\d{8,15})\.log$/;

const ASIDE_NAME = /^(\d{8,15})\.log\.aside$/;

const segmentName = (number: number): string => `${String(number).padStart(8, '0')}.log`;

export const segmentPath = (directory: string, number: number): string =>
  join(directory, segmentName(number));

/** At the end of the name of a file that cannot be read. */
export const ASIDE_ENDING = '.aside';

/** Where a segment goes that cannot be read. */
export const asidePath = (directory: string, number: number): string =>
  `${segmentPath(directory, number)}${ASIDE_ENDING}`;

/** Ascending; empty when the directory is not there. */
export const segmentNumbers = async (directory: string): Promise<number[]> =>
  numbersIn(await namesIn(directory), NAME, '.log');

/** Those that there are, and the last number that one of them, or one that was set aside, has had. */
export async function allNumbers(directory: string): Promise<{ numbers: number[]; last: number }> {
  const names = await namesIn(directory);
  const numbers = numbersIn(names, NAME, '.log');
  const aside = numbersIn(names, ASIDE_NAME, '.log.aside');
  return { numbers, last: Math.max(0, numbers.at(-1) ?? 0, aside.at(-1) ?? 0) };
}

/** A number has one name: what is called otherwise is none of ours. */
function numbersIn(names: readonly string[], pattern: RegExp, ending: string): number[] {
  const numbers = names.flatMap((name) => Number(pattern.exec(name)?.[1] ?? []));
  return numbers
    .filter((number) => names.includes(`${String(number).padStart(8, '0')}${ending}`))
    .sort((a, b) => a - b);
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}

export const segmentSize = async (directory: string, number: number): Promise<number> =>
  (await stat(segmentPath(directory, number))).size;

/** Bytes of the segments of a log; one that goes meanwhile counts for nothing. */
export async function sizeOfLog(directory: string): Promise<number> {
  const sizes = (await segmentNumbers(directory)).map((number) =>
    segmentSize(directory, number).catch(() => 0),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
