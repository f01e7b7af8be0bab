import type { Logger } from 'pino';
import type { StreamName } from '../model/process.ts';
import { type LogRecord, offsetsAfter } from './record.ts';
import { emptyLog, endsLine, type SandboxLog } from './sandbox-log.ts';
import { frontMark, readFirst, scanSegment, segmentNumbers, segmentSize } from './segment.ts';
import { type Mark, readMarks } from './segment-index.ts';

/** What recovery found behind the last whole record, for the writer to cut off. */
export interface TornTail {
  number: number;
  /** Bytes of the segment that are to stay; 0: it is to go. */
  validLength: number;
  /** Marks of its index that are to stay. */
  marks: number;
}

/** Reads from the files what is known of a log. Changes nothing on disk. */
export async function loadLog(
  id: string,
  directory: string,
  log: Logger,
): Promise<{ known: SandboxLog; torn: TornTail[] }> {
  const known = emptyLog(id, directory);
  const numbers = await segmentNumbers(directory);
  const torn: TornTail[] = [];
  // From the newest back to one that holds a record: a rotation may have been cut short before its first one.
  while (numbers.length > 0 && !(await recoverLast(known, numbers.pop()!, torn)));
  for (const number of numbers.reverse()) await addOlder(known, number, log);
  if (torn.length > 0)
    log.warn({ sandbox: id, torn }, 'a log ends with bytes that are no record; they are left out');
  return { known, torn };
}

async function recoverLast(known: SandboxLog, number: number, torn: TornTail[]): Promise<boolean> {
  const { directory } = known;
  const size = await segmentSize(directory, number);
  const first = await readFirst(directory, number);
  if (first === undefined) {
    torn.push({ number, validLength: 0, marks: 0 });
    return false;
  }
  const found = await readMarks(directory, number, size);
  const end = await scanEnd(directory, number, [frontMark(first), ...found]);
  const marks = found.filter((mark) => mark.position <= end.from.position || isEnd(mark, end));
  if (end.validLength < size || marks.length < found.length)
    torn.push({ number, validLength: end.validLength, marks: marks.length });
  known.segments.push({ number, length: end.validLength, marks: [frontMark(first), ...marks] });
  known.seq = end.last.seq;
  known.time = end.last.time;
  known.offsets = offsetsAfter(end.last);
  known.ended = end.last.kind === 'end';
  known.atLineStart = {
    stdout: end.lineStart.stdout ?? known.offsets.stdout === 0,
    stderr: end.lineStart.stderr ?? known.offsets.stderr === 0,
  };
  return true;
}

interface ScannedEnd {
  from: Mark;
  last: LogRecord;
  validLength: number;
  lineStart: Partial<Record<StreamName, boolean>>;
}

const isEnd = (mark: Mark, { last, validLength }: ScannedEnd): boolean =>
  mark.position === validLength && mark.seq === last.seq;

/**
 * From the last mark that has the record behind it that it promises. Never by looking for one: output is hostile, and
 * could contain what looks like a record.
 * @param marks that of the front, which has one, first
 */
async function scanEnd(directory: string, number: number, marks: readonly Mark[]): Promise<ScannedEnd> {
  const from = marks.at(-1)!;
  let begin: number | undefined;
  let last: LogRecord | undefined;
  const lineStart: ScannedEnd['lineStart'] = {};
  const { validLength } = await scanSegment(directory, number, from.position, (record) => {
    begin ??= record.seq - record.data.length;
    last = record;
    if (record.kind !== 'end') lineStart[record.kind] = endsLine(record.data);
  });
  if (last === undefined || begin !== from.seq) return scanEnd(directory, number, marks.slice(0, -1));
  return { from, last, validLength, lineStart };
}

async function addOlder(known: SandboxLog, number: number, log: Logger): Promise<void> {
  const { directory } = known;
  const length = await segmentSize(directory, number);
  const first = await readFirst(directory, number);
  if (first !== undefined) {
    const marks = [frontMark(first), ...(await readMarks(directory, number, length))];
    known.segments.unshift({ number, length, marks });
  } else log.warn({ sandbox: known.id, segment: number }, 'a segment of a log is unreadable; it is left out');
}
