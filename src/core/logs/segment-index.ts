import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/** A place in a segment where a record begins, or will. */
export interface Mark {
  /** Byte in the segment. */
  position: number;
  /** `seq` before that record. */
  seq: number;
  /** No record before it is of a later time, none behind it of an earlier one. Milliseconds since the epoch. */
  time: number;
}

/**
 * The index of a segment is a file beside it: a mark for every so many bytes, little-endian: u32 CRC-32 of the rest,
 * u32 zero, f64 position, f64 seq, f64 time. A mark is written behind the bytes that it points past, so it never
 * points into a void that a crash left; a missing index makes reading slower, not wrong.
 */
export const MARK_BYTES = 32;

export const indexPath = (directory: string, number: number): string =>
  join(directory, `${String(number).padStart(8, '0')}.index`);

export function encodeMark({ position, seq, time }: Mark): Buffer {
  const bytes = Buffer.alloc(MARK_BYTES);
  bytes.writeDoubleLE(position, 8);
  bytes.writeDoubleLE(seq, 16);
  bytes.writeDoubleLE(time, 24);
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

/** The whole marks at the front of the index that lie within the first `length` bytes of the segment. */
export async function readMarks(directory: string, number: number, length: number): Promise<Mark[]> {
  const file = await readFile(indexPath(directory, number)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  const marks: Mark[] = [];
  for (let at = 0; at + MARK_BYTES <= file.length; at += MARK_BYTES) {
    const mark = decodeMark(file.subarray(at, at + MARK_BYTES));
    if (mark === undefined || mark.position > length || mark.position <= (marks.at(-1)?.position ?? 0)) break;
    marks.push(mark);
  }
  return marks;
}

function decodeMark(bytes: Buffer): Mark | undefined {
  if (crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0)) return undefined;
  return { position: bytes.readDoubleLE(8), seq: bytes.readDoubleLE(16), time: bytes.readDoubleLE(24) };
}
