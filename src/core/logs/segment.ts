import { type FileHandle, open } from 'node:fs/promises';
import type { Turns } from '../model/async/turns.ts';
import {
  decodeRecord,
  isTornRecord,
  LARGEST_RECORD,
  type LogRecord,
  RECORD_OVERHEAD,
  segmentMagic,
  startOfRecordBefore,
} from './record.ts';
import type { Mark } from './segment-index.ts';
import { segmentPath, segmentSize } from './segment-names.ts';

/** Where the files of a log are. */
export interface LogDirectory {
  directory: string;
  /** Of all logs of a store: whoever reads a file takes one. */
  readonly reads: Turns;
  /** While they are on their way to another one: settled when `directory` says where they are. */
  moving?: Promise<void>;
}

/** One file of a log, as the process knows it. */
export interface Segment {
  /** Grows; the file name. */
  number: number;
  /** Bytes that are whole records (and the magic): readers go no further. */
  length: number;
  /** Its front first, then those of its index. */
  marks: Mark[];
  /** Nothing is added to it any more: what lies behind its last record is damaged, and kept. */
  sealed?: true;
  /** Bytes of a failed write may lie behind its length: they go before anything more is written to the log. */
  dirty?: boolean;
}

/** The mark of the front of a segment that begins with this record. */
export const frontMark = (first: LogRecord): Mark => ({
  position: segmentMagic.length,
  seq: first.seq - first.data.length,
  time: first.time,
});

/** What a reader reads at a time. It bounds the memory of a follower and holds several of the largest records. */
const BLOCK = 262_144;

/**
 * Files of logs that are open at a time to be read: there are no more threads to read them. However many followers there are,
 * they leave the descriptors of the process to others.
 */
export const READS_AT_ONCE = 8;

/** What was moved just before it was opened is opened where it is now. */
async function openToRead(place: LogDirectory, number: number): Promise<FileHandle> {
  for (;;) {
    const { directory } = place;
    try {
      return await open(segmentPath(directory, number), 'r');
    } catch (error) {
      await place.moving;
      if (place.directory === directory) throw error;
    }
  }
}

/**
 * Bytes `from`..`to`; fewer when the file is shorter. Opens and closes: no reader holds a descriptor while its
 * consumer is slow, or after it was forgotten.
 */
const readRange = (place: LogDirectory, number: number, from: number, to: number): Promise<Buffer> =>
  place.reads.take('', async () => {
    const handle = await openToRead(place, number);
    try {
      const buffer = Buffer.allocUnsafe(to - from);
      let filled = 0;
      while (filled < buffer.length) {
        const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, from + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return buffer.subarray(0, filled);
    } finally {
      await handle.close();
    }
  });

export interface Block {
  records: LogRecord[];
  /** Where to go on. */
  next: number;
  /** The bytes at `next` are no record although the block reaches past the largest one, or past the segment's end. */
  corrupt: boolean;
}

/** The records from `position` on, about BLOCK bytes of them, none beyond `end`. */
export async function readBlock(
  place: LogDirectory,
  number: number,
  position: number,
  end: number,
): Promise<Block> {
  if (position === 0) {
    const magic = await readRange(place, number, 0, segmentMagic.length);
    if (!magic.equals(segmentMagic)) return { records: [], next: 0, corrupt: true };
    return readBlock(place, number, segmentMagic.length, end);
  }
  const buffer = await readRange(place, number, position, Math.min(end, position + BLOCK));
  const records: LogRecord[] = [];
  let at = 0;
  while (at < buffer.length) {
    const decoded = decodeRecord(buffer, at);
    if (decoded === 'incomplete' && at > 0 && position + buffer.length < end) break;
    if (typeof decoded === 'string') return { records, next: position + at, corrupt: true };
    records.push(decoded.record);
    at = decoded.next;
  }
  return { records, next: position + at, corrupt: at === 0 && position < end };
}

/**
 * The first record of a segment; `torn`: there is none, and what is there was left by a write that was cut short;
 * `damaged`: anything else.
 */
export async function readFirst(
  place: LogDirectory,
  number: number,
): Promise<LogRecord | 'torn' | 'damaged'> {
  const most = segmentMagic.length + LARGEST_RECORD;
  const buffer = await readRange(place, number, 0, most);
  const magic = buffer.subarray(0, segmentMagic.length);
  if (!magic.equals(segmentMagic.subarray(0, buffer.length))) return 'damaged';
  if (buffer.length < segmentMagic.length) return 'torn';
  const decoded = decodeRecord(buffer, segmentMagic.length);
  if (typeof decoded !== 'string') return decoded.record;
  return buffer.length < most && isTornRecord(buffer.subarray(segmentMagic.length)) ? 'torn' : 'damaged';
}

/** Whether it begins as one, a look at its first bytes alone. @throws ENOENT */
export async function hasMagic(place: LogDirectory, number: number): Promise<boolean> {
  return (await readRange(place, number, 0, segmentMagic.length)).equals(segmentMagic);
}

/** The record without data that a segment of so many bytes ends with; undefined: there is none. */
export async function readEnd(
  place: LogDirectory,
  number: number,
  size: number,
): Promise<LogRecord | undefined> {
  const decoded = decodeRecord(await readRange(place, number, Math.max(0, size - RECORD_OVERHEAD), size), 0);
  return typeof decoded !== 'string' && decoded.record.kind === 'end' ? decoded.record : undefined;
}

/** Whether a segment goes on, behind its last record, with no more than a record that was cut short. */
export async function isTornBehind(place: LogDirectory, number: number, position: number): Promise<boolean> {
  return isTornRecord(await readRange(place, number, position, position + LARGEST_RECORD));
}

/** Reads a segment from a place where a record begins (0: its front) up to the first bytes that are no whole record. */
export async function scanSegment(
  place: LogDirectory,
  number: number,
  from: number,
  visit: (record: LogRecord) => void,
): Promise<{ validLength: number; size: number }> {
  const size = await segmentSize(place.directory, number);
  let position = from;
  for (;;) {
    const block = await readBlock(place, number, position, size);
    for (const record of block.records) visit(record);
    position = block.next;
    if (block.corrupt || position >= size) return { validLength: position, size };
  }
}

interface PlacedRecord {
  record: LogRecord;
  position: number;
}

/** The records of a segment from `end` back to its front; stops early (returns) at bytes that are no record. */
export async function* readBackwards(
  place: LogDirectory,
  number: number,
  end: number,
): AsyncGenerator<PlacedRecord> {
  let border = end;
  let window = LARGEST_RECORD;
  while (border > segmentMagic.length) {
    const from = Math.max(segmentMagic.length, border - window);
    const buffer = await readRange(place, number, from, border);
    let at = buffer.length;
    for (let start = startOfRecordBefore(buffer, at); start >= 0; start = startOfRecordBefore(buffer, at)) {
      const decoded = decodeRecord(buffer, start);
      if (typeof decoded === 'string' || decoded.next !== at) return;
      yield { record: decoded.record, position: from + start };
      at = start;
    }
    if (at === buffer.length) return;
    border = from + at;
    window = BLOCK;
  }
}
