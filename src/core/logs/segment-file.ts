import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, rm, truncate } from 'node:fs/promises';
import { diskFull, isDiskFull } from '../model/disk-full.ts';
import { FsbError } from '../model/errors.ts';
import { encodeRecords, type LogRecord, segmentMagic, sizeOf } from './record.ts';
import type { SandboxLog, TornTail } from './sandbox-log.ts';
import { type Segment, segmentPath } from './segment.ts';

export interface Retention {
  /** A segment is not begun larger than this, unless a single record is. */
  segmentBytes: number;
  maxSegments: number;
}

/** How many of `records` go into one write to a segment that has `length` bytes (0: one not yet begun). */
function fitting(records: readonly LogRecord[], length: number, segmentBytes: number): number {
  let size = Math.max(length, segmentMagic.length);
  let count = 0;
  for (const record of records) {
    size += sizeOf(record);
    const isFirstOfSegment = length === 0 && count === 0;
    if (size > segmentBytes && !isFirstOfSegment) break;
    count += 1;
  }
  return count;
}

/** The end of a log that is written to: holds the one descriptor, rotates, and repairs what a failed write left. */
export class SegmentFile {
  readonly #known: SandboxLog;
  readonly #retention: Retention;
  #handle: FileHandle | undefined;
  /** Bytes of a failed write may lie behind the known length of the last segment. */
  #dirty = false;

  constructor(known: SandboxLog, retention: Retention) {
    this.#known = known;
    this.#retention = retention;
  }

  /** Cuts off what a crash left behind the last whole record. */
  async repair(torn: readonly TornTail[]): Promise<void> {
    for (const { number, validLength } of torn) {
      const path = segmentPath(this.#known.directory, number);
      if (validLength === 0) await rm(path, { force: true });
      else await truncate(path, validLength);
    }
  }

  /**
   * Writes the first of the records, as many as one segment takes, and tells how many that were. All of them or none
   * are in the log afterwards.
   */
  async write(records: readonly LogRecord[]): Promise<number> {
    const last = this.#known.segments.at(-1);
    const count = last === undefined ? 0 : fitting(records, last.length, this.#retention.segmentBytes);
    if (last !== undefined && count > 0) {
      await this.#extend(last, records.slice(0, count));
      return count;
    }
    const countInNew = fitting(records, 0, this.#retention.segmentBytes);
    await this.#begin((last?.number ?? 0) + 1, records.slice(0, countInNew));
    return countInNew;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #extend(segment: Segment, records: LogRecord[]): Promise<void> {
    this.#handle ??= await open(segmentPath(this.#known.directory, segment.number), 'r+');
    if (this.#dirty) await this.#handle.truncate(segment.length);
    this.#dirty = true;
    const buffer = encodeRecords(records, Buffer.alloc(0));
    try {
      await writeAll(this.#handle, buffer, segment.length);
      this.#dirty = false;
    } catch (error) {
      // At once, so that a core that dies next leaves no bytes behind the last record that a later, shorter record
      // would only partly cover. If this fails too, the next write tries again first.
      await this.#handle.truncate(segment.length).catch(() => {});
      throw error;
    }
    segment.length += buffer.length;
  }

  async #begin(number: number, records: LogRecord[]): Promise<void> {
    await this.close();
    await mkdir(this.#known.directory, { recursive: true, mode: 0o700 });
    const path = segmentPath(this.#known.directory, number);
    const handle = await open(path, 'w', 0o600);
    const buffer = encodeRecords(records, segmentMagic);
    try {
      await writeAll(handle, buffer, 0);
    } catch (error) {
      await handle.close();
      await rm(path, { force: true });
      throw error;
    }
    this.#handle = handle;
    this.#dirty = false;
    const first = records[0]!;
    this.#known.segments.push({ number, startSeq: first.seq - first.data.length, length: buffer.length });
    await this.#dropOldest();
  }

  async #dropOldest(): Promise<void> {
    while (this.#known.segments.length > this.#retention.maxSegments) {
      const oldest = this.#known.segments.shift()!;
      await rm(segmentPath(this.#known.directory, oldest.number), { force: true });
    }
  }
}

async function writeAll(handle: FileHandle, buffer: Buffer, position: number): Promise<void> {
  let written = 0;
  while (written < buffer.length)
    written += (await handle.write(buffer, written, buffer.length - written, position + written))
      .bytesWritten;
}

/** What a failed write means to people. */
export function writeError(error: unknown, id: string, directory: string): FsbError {
  const what = `cannot write the log of sandbox ${id}`;
  if (isDiskFull(error)) return diskFull(what, { where: directory, cause: error });
  const reason = error instanceof Error ? error.message : String(error);
  return new FsbError('internal', `${what}: ${reason}`, { cause: error });
}
