import type { Said } from './log-store.ts';
import type { SandboxLog } from './sandbox-log.ts';
import { hasMagic, type LogDirectory, readEnd } from './segment.ts';
import { segmentNumbers, segmentSize } from './segment-names.ts';

/** Whether the files of a log that has ended begin as such, and the last one ends where the record says. */
export async function hasAll(place: LogDirectory, { offsets }: Said): Promise<boolean> {
  const total = offsets.stdout + offsets.stderr;
  const numbers = await segmentNumbers(place.directory);
  const last = numbers.at(-1);
  if (last === undefined) return total === 0;
  try {
    for (const number of numbers) if (!(await hasMagic(place, number))) return false;
    const end = await readEnd(place, last, await segmentSize(place.directory, last));
    return end?.seq === total;
  } catch {
    return false;
  }
}

/** Whether the files of a log that is written to are there, as long as its writer knows them. */
export async function hasSegments(known: SandboxLog): Promise<boolean> {
  for (const segment of known.segments) {
    const { number, length } = segment;
    const isThere = await segmentSize(known.directory, number).then(
      async (size) => size >= length && (await hasMagic(known, number)),
      () => false,
    );
    // Rotation may have taken it meanwhile.
    if (!isThere && known.segments.includes(segment)) return false;
  }
  return true;
}
