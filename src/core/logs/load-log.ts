import type { Logger } from 'pino';
import { isShortage } from '../model/failure/disk-failure.ts';
import { FsbError } from '../model/failure/errors.ts';
import type { StreamName } from '../model/process.ts';
import type { Said } from './log-store.ts';
import { type LogRecord, offsetsAfter } from './record.ts';
import { emptyLog, endsLine, learn, type SandboxLog } from './sandbox-log.ts';
import {
  frontMark,
  isTornBehind,
  type LogDirectory,
  readFirst,
  type Segment,
  scanSegment,
} from './segment.ts';
import { type Mark, readMarks } from './segment-index.ts';
import { allNumbers, segmentSize } from './segment-names.ts';

/** What a crash left behind the last whole record, for the writer to cut off. */
export interface TornTail {
  number: number;
  /** Bytes of the segment that are to stay; 0: it is to go. */
  validLength: number;
  /** Marks of its index that are to stay. */
  marks: number;
}

/** A segment that is damaged, or none of this version's: what cannot be read of it is to be kept. */
export interface Spoiled {
  number: number;
  /** Nothing of it can be read. */
  whole: boolean;
  why: string;
}

/** What there is to mend before a log is written to. */
export interface Repairs {
  torn: TornTail[];
  spoiled: Spoiled[];
}

export interface LoadedLog {
  known: SandboxLog;
  repairs: Repairs;
}

/**
 * Reads from the files what is known of a log. Changes nothing on disk.
 * @param said what is on record of it
 * @throws what the system says when it had too little of something; a file that cannot be read is told as spoiled
 */
export async function loadLog(id: string, place: LogDirectory, log: Logger, said?: Said): Promise<LoadedLog> {
  const known = emptyLog(id, place);
  const { numbers, last } = await allNumbers(place.directory);
  known.lastNumber = last;
  const repairs: Repairs = { torn: [], spoiled: [] };
  // From the newest back to one that holds a record: a rotation may have been cut short before its first one.
  const load = (number: number, part: typeof recoverLast): Promise<boolean> =>
    part(known, number, repairs).catch((error: unknown) => {
      if (isShortage(error)) throw error;
      repairs.spoiled.push({ number, whole: true, why: FsbError.from(error).message });
      return false;
    });
  while (numbers.length > 0 && !(await load(numbers.pop()!, recoverLast)));
  for (const number of numbers.reverse()) await load(number, addOlder);
  const { torn, spoiled } = repairs;
  if (torn.length > 0)
    log.warn({ sandbox: id, torn }, 'a log ends with bytes that are no record; they are left out');
  if (spoiled.length > 0)
    log.error({ sandbox: id, spoiled }, 'files of a log cannot be read; they are left out');
  if (said !== undefined) learn(known, said);
  return { known, repairs };
}

const NO_RECORD = 'it does not begin with a record that this version reads';

async function recoverLast(known: SandboxLog, number: number, { torn, spoiled }: Repairs): Promise<boolean> {
  const { directory } = known;
  const size = await segmentSize(directory, number);
  const first = await readFirst(known, number);
  if (first === 'torn') torn.push({ number, validLength: 0, marks: 0 });
  if (first === 'damaged') spoiled.push({ number, whole: true, why: NO_RECORD });
  if (typeof first === 'string') return false;
  const found = await readMarks(directory, number, size);
  const end = await scanEnd(known, number, [frontMark(first), ...found]);
  const marks = found.filter((mark) => mark.position <= end.from.position || isEnd(mark, end));
  const segment: Segment = { number, length: end.validLength, marks: [frontMark(first), ...marks] };
  if (end.validLength < size && !(await isTornBehind(known, number, end.validLength))) {
    segment.sealed = true;
    spoiled.push({ number, whole: false, why: `it is damaged from byte ${end.validLength} on` });
  } else if (end.validLength < size || marks.length < found.length)
    torn.push({ number, validLength: end.validLength, marks: marks.length });
  known.segments.push(segment);
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
async function scanEnd(place: LogDirectory, number: number, marks: readonly Mark[]): Promise<ScannedEnd> {
  const from = marks.at(-1)!;
  let begin: number | undefined;
  let last: LogRecord | undefined;
  const lineStart: ScannedEnd['lineStart'] = {};
  const { validLength } = await scanSegment(place, number, from.position, (record) => {
    begin ??= record.seq - record.data.length;
    last = record;
    if (record.kind !== 'end') lineStart[record.kind] = endsLine(record.data);
  });
  if (last === undefined || begin !== from.seq) return scanEnd(place, number, marks.slice(0, -1));
  return { from, last, validLength, lineStart };
}

async function addOlder(known: SandboxLog, number: number, { spoiled }: Repairs): Promise<boolean> {
  const { directory } = known;
  const length = await segmentSize(directory, number);
  const first = await readFirst(known, number);
  if (typeof first === 'string') {
    spoiled.push({ number, whole: true, why: NO_RECORD });
    return false;
  }
  const marks = [frontMark(first), ...(await readMarks(directory, number, length))];
  known.segments.unshift({ number, length, marks });
  return true;
}
