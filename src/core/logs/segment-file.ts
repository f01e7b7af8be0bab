import { type FileHandle, link, mkdir, open, rename, rm, truncate } from 'node:fs/promises';
import { failpoint } from '../model/failure/failpoint.ts';
import { IndexFile } from './index-file.ts';
import type { Repairs, Spoiled } from './load-log.ts';
import { encodeRecords, type LogRecord, segmentMagic, sizeOf } from './record.ts';
import type { SandboxLog } from './sandbox-log.ts';
import { frontMark, type Segment } from './segment.ts';
import { indexPath, MARK_BYTES } from './segment-index.ts';
import { ASIDE_ENDING, asidePath, segmentPath } from './segment-names.ts';

export interface SegmentLimits {
  /** A segment is not begun larger than this, unless a single record is. */
  segmentBytes: number;
  maxSegments: number;
  /** Bytes of a segment between two marks of its index. */
  indexBytes: number;
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

/** The end of a log that is written to: holds its descriptors, rotates, and repairs what a failed write left. */
export class SegmentFile {
  readonly #known: SandboxLog;
  readonly #limits: SegmentLimits;
  #handle: FileHandle | undefined;
  readonly #index: IndexFile;

  constructor(known: SandboxLog, limits: SegmentLimits) {
    this.#known = known;
    this.#limits = limits;
    this.#index = new IndexFile(known.directory, limits.indexBytes);
  }

  /** Bytes of the end of the log that are there at any time. */
  get kept(): number {
    return this.#limits.segmentBytes * (this.#limits.maxSegments - 1);
  }

  /**
   * Cuts off what a crash left behind the last whole record, sets aside what is damaged, and ends the rotation that was cut
   * short. Takes out of the repairs what is set aside: after a failure it is called again with the others.
   */
  async repair({ torn, spoiled }: Repairs): Promise<void> {
    for (const { number, validLength, marks } of torn) {
      if (validLength === 0) await this.#removeSegment(number);
      else {
        await truncate(segmentPath(this.#known.directory, number), validLength);
        failpoint('repair.cut');
        await truncate(indexPath(this.#known.directory, number), marks * MARK_BYTES).catch(ignoreMissing);
      }
      failpoint('repair.whole');
    }
    for (; spoiled.length > 0; spoiled.shift()) {
      await this.#setAside(spoiled[0]!);
      failpoint('repair.aside');
    }
    await this.#dropOldest();
  }

  /** One of which something can be read stays, and has a second name, which rotation does not know. */
  async #setAside({ number, whole }: Spoiled): Promise<void> {
    const { directory } = this.#known;
    const [from, to] = [segmentPath(directory, number), asidePath(directory, number)];
    if (!whole) return link(from, to).catch(unlessThere);
    // A number that was set aside is never used again: nothing is there. The index first: it may have gone in an earlier try.
    const index = indexPath(directory, number);
    await rename(index, `${index}${ASIDE_ENDING}`).catch(ignoreMissing);
    failpoint('repair.unindexed');
    await rename(from, to);
  }

  /**
   * Writes the first of the records, as many as one segment takes, and tells how many that were. All of them or none
   * are in the log afterwards.
   */
  async write(records: readonly LogRecord[]): Promise<number> {
    const last = this.#known.segments.at(-1);
    const count =
      last === undefined || last.sealed ? 0 : fitting(records, last.length, this.#limits.segmentBytes);
    if (last !== undefined && count > 0) {
      await this.#extend(last, records.slice(0, count));
      return count;
    }
    if (last?.dirty) await this.#opened(last);
    const countInNew = fitting(records, 0, this.#limits.segmentBytes);
    const highest = Math.max(last?.number ?? 0, this.#known.lastNumber);
    await this.#rotate(highest + 1, records.slice(0, countInNew));
    return countInNew;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    try {
      await this.#index.close();
    } finally {
      await handle?.close();
    }
  }

  async #extend(segment: Segment, records: LogRecord[]): Promise<void> {
    const handle = await this.#opened(segment);
    segment.dirty = true;
    try {
      const written = await writeAll(handle, encodeRecords(records, NOTHING), segment.length);
      segment.dirty = false;
      segment.length += written;
    } catch (error) {
      // At once, so that a core that dies next leaves no bytes behind the last record that a later, shorter record
      // would only partly cover. If this fails too, the next write tries again first, also one to the next segment.
      await this.#opened(segment).catch(() => {});
      throw error;
    }
    await this.#index.mark(segment, records.at(-1)!);
  }

  /** The last segment, without what a failed write has left in it. */
  async #opened(segment: Segment): Promise<FileHandle> {
    this.#handle ??= await open(segmentPath(this.#known.directory, segment.number), 'r+');
    if (segment.dirty) await this.#handle.truncate(segment.length);
    segment.dirty = false;
    return this.#handle;
  }

  /** The steps of a rotation; a core that is killed between any two of them leaves a log that the next one goes on with. */
  async #rotate(number: number, records: LogRecord[]): Promise<void> {
    await this.close();
    failpoint('rotate.closed');
    const handle = await this.#createSegment(number);
    failpoint('rotate.created');
    const length = await this.#writeFront(handle, number, records);
    failpoint('rotate.written');
    this.#take(handle, { number, length, marks: [frontMark(records[0]!)] });
    await this.#dropOldest();
    failpoint('rotate.dropped');
  }

  async #createSegment(number: number): Promise<FileHandle> {
    await mkdir(this.#known.directory, { recursive: true, mode: 0o700 });
    return open(segmentPath(this.#known.directory, number), 'w', 0o600);
  }

  /** How long the segment is then. A segment without a record is none: it goes when the write fails. */
  async #writeFront(handle: FileHandle, number: number, records: LogRecord[]): Promise<number> {
    try {
      return await writeAll(handle, encodeRecords(records, segmentMagic), 0);
    } catch (error) {
      await handle.close();
      await this.#removeSegment(number);
      throw error;
    }
  }

  /** From now on it is the one that is written to, and readers see it. */
  #take(handle: FileHandle, segment: Segment): void {
    this.#handle = handle;
    this.#known.segments.push(segment);
  }

  /** Never rejects, as what was written is in the log: a file that cannot be removed is tried again by the next core. */
  async #dropOldest(): Promise<void> {
    while (this.#known.segments.length > this.#limits.maxSegments)
      await this.#removeSegment(this.#known.segments.shift()!.number).catch(() => {});
  }

  /** Its index first: a segment without one is read all the same. */
  async #removeSegment(number: number): Promise<void> {
    await rm(indexPath(this.#known.directory, number), { force: true });
    failpoint('rotate.unindexed');
    await rm(segmentPath(this.#known.directory, number), { force: true });
  }
}

const NOTHING = Buffer.alloc(0);

/** How many bytes that were. */
async function writeAll(handle: FileHandle, pieces: readonly Buffer[], position: number): Promise<number> {
  let written = 0;
  for (let left = pieces; left.length > 0; ) {
    const { bytesWritten } = await handle.writev(left, position + written);
    written += bytesWritten;
    left = behind(left, bytesWritten);
  }
  return written;
}

/** What is left of the pieces behind so many bytes. */
function behind(pieces: readonly Buffer[], bytes: number): readonly Buffer[] {
  let skip = bytes;
  let whole = 0;
  while (whole < pieces.length && skip >= pieces[whole]!.length) skip -= pieces[whole++]!.length;
  if (whole === pieces.length) return [];
  return [pieces[whole]!.subarray(skip), ...pieces.slice(whole + 1)];
}

const ignoreMissing = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'ENOENT') throw error;
};

const unlessThere = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EEXIST') throw error;
};
