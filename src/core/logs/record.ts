import { crc32 } from 'node:zlib';
import type { StreamName } from '../model/process.ts';

/**
 * The one place that knows the bytes of a log segment (docs/decisions/log-format.md). A segment is `segmentMagic`, then
 * records, little-endian:
 *
 *     u32 checksum   CRC-32 of everything from the next field to the end of the data
 *     u32 length     bytes of data, at most MAX_DATA
 *     u8  kind       1 stdout, 2 stderr, 3 end of the log
 *     u8  flags      1: the data begins at the start of a line of its stream
 *     u16 zero
 *     f64 time       milliseconds since the epoch
 *     f64 offset     of the first byte in its stream
 *     f64 seq        bytes of both streams up to the end of this record
 *     data
 *     u32 length     again, so that a segment can be read backwards
 *
 * Each record tells the position of both streams (the other one's is `seq` less its own end), so any one record is
 * enough to go on after the older segments were rotated away.
 */
export interface LogRecord {
  kind: RecordKind;
  lineStart: boolean;
  time: number;
  offset: number;
  seq: number;
  data: Buffer;
}

type RecordKind = StreamName | 'end';

export const segmentMagic = Buffer.from('FSBLOG1\n');
export const MAX_DATA = 65_536;
const HEADER = 36;
const TRAILER = 4;
/** Bytes of a record without data. */
export const RECORD_OVERHEAD = HEADER + TRAILER;
/** Any window of this size that ends (or begins) at the border of a record holds a whole one. */
export const LARGEST_RECORD = MAX_DATA + RECORD_OVERHEAD;

const kindNumbers: Record<RecordKind, number> = { stdout: 1, stderr: 2, end: 3 };
const kinds: readonly (RecordKind | undefined)[] = [undefined, 'stdout', 'stderr', 'end'];

export const sizeOf = (record: LogRecord): number => RECORD_OVERHEAD + record.data.length;

/** Up to this size data is copied next to its header: a piece more in a write costs more than the copy. */
const SMALL = 4096;

/** The records in pieces, in order, `prefix` before them. Large data is not copied. */
export function encodeRecords(records: readonly LogRecord[], prefix: Buffer): Buffer[] {
  const pieces = prefix.length === 0 ? [] : [prefix];
  for (const record of records) pieces.push(...encodeRecord(record));
  return pieces;
}

function encodeRecord(record: LogRecord): Buffer[] {
  const { data } = record;
  const copied = data.length <= SMALL ? data.length : 0;
  const bytes = Buffer.allocUnsafe(RECORD_OVERHEAD + copied);
  bytes.writeUInt32LE(data.length, 4);
  bytes.writeUInt32LE(kindNumbers[record.kind] | (record.lineStart ? 0x100 : 0), 8);
  bytes.writeDoubleLE(record.time, 12);
  bytes.writeDoubleLE(record.offset, 20);
  bytes.writeDoubleLE(record.seq, 28);
  bytes.writeUInt32LE(crc32(data, crc32(bytes.subarray(4, HEADER))), 0);
  if (copied > 0) data.copy(bytes, HEADER);
  bytes.writeUInt32LE(data.length, HEADER + copied);
  if (copied === data.length) return [bytes];
  return [bytes.subarray(0, HEADER), data, bytes.subarray(HEADER)];
}

/** `incomplete`: the window ends inside the record. `corrupt`: these bytes are no record. */
type Decoded = { record: LogRecord; next: number } | 'incomplete' | 'corrupt';

/** Decodes the record that begins at `start`; its data is a view into the buffer. */
export function decodeRecord(buffer: Buffer, start: number): Decoded {
  if (buffer.length - start < HEADER) return 'incomplete';
  const length = buffer.readUInt32LE(start + 4);
  const kindAndFlags = buffer.readUInt32LE(start + 8);
  const kind = kinds[kindAndFlags & 0xff];
  if (length > MAX_DATA || kind === undefined || kindAndFlags > 0x1ff) return 'corrupt';
  const end = start + HEADER + length;
  if (end + TRAILER > buffer.length) return 'incomplete';
  if (buffer.readUInt32LE(end) !== length) return 'corrupt';
  if (crc32(buffer.subarray(start + 4, end)) !== buffer.readUInt32LE(start)) return 'corrupt';
  const record: LogRecord = {
    kind,
    lineStart: (kindAndFlags & 0x100) !== 0,
    time: buffer.readDoubleLE(start + 12),
    offset: buffer.readDoubleLE(start + 20),
    seq: buffer.readDoubleLE(start + 28),
    data: buffer.subarray(start + HEADER, end),
  };
  return { record, next: end + TRAILER };
}

/**
 * True for what a write that was cut short may have left: the beginning of one record, and no more. Bytes that have a whole
 * record in them are none, whatever the length says that they begin with.
 */
export function isTornRecord(bytes: Buffer): boolean {
  if (bytes.length >= LARGEST_RECORD || decodeRecord(bytes, 0) !== 'incomplete') return false;
  for (let at = 1; at + RECORD_OVERHEAD <= bytes.length; at++)
    if (typeof decodeRecord(bytes, at) !== 'string') return false;
  return true;
}

/** Where the record that ends at `end` begins; negative when the window does not reach back that far. */
export function startOfRecordBefore(buffer: Buffer, end: number): number {
  if (end < TRAILER) return -1;
  const length = buffer.readUInt32LE(end - TRAILER);
  return length > MAX_DATA ? -1 : end - TRAILER - length - HEADER;
}

/** Bytes of each stream that were written up to the end of this record. */
export function offsetsAfter(record: LogRecord): Record<StreamName, number> {
  const own = record.offset + record.data.length;
  return record.kind === 'stderr'
    ? { stdout: record.seq - own, stderr: own }
    : { stdout: own, stderr: record.seq - own };
}
