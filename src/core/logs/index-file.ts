import { constants, type FileHandle, open } from 'node:fs/promises';
import type { LogRecord } from './record.ts';
import type { Segment } from './segment.ts';
import { encodeMark, indexPath, MARK_BYTES } from './segment-index.ts';

// Neither emptied nor at its end: what is in it was read, or is overwritten.
const CREATE = constants.O_WRONLY | constants.O_CREAT;

/** Adds marks to the index of the segment that is written to; holds a descriptor once there was one to add. */
export class IndexFile {
  readonly #directory: string;
  readonly #step: number;
  #handle: FileHandle | undefined;

  /** @param step bytes of a segment between two marks */
  constructor(directory: string, step: number) {
    this.#directory = directory;
    this.#step = step;
  }

  /**
   * Marks the end of a segment, behind its last record, when that is far enough from the mark before. Never rejects: the
   * log is whole without it, and the next write tries again.
   */
  async mark(segment: Segment, last: LogRecord): Promise<void> {
    if (segment.length - segment.marks.at(-1)!.position < this.#step) return;
    const mark = { position: segment.length, seq: last.seq, time: last.time };
    try {
      this.#handle ??= await open(indexPath(this.#directory, segment.number), CREATE, 0o600);
      const at = (segment.marks.length - 1) * MARK_BYTES;
      const { bytesWritten } = await this.#handle.write(encodeMark(mark), 0, MARK_BYTES, at);
      if (bytesWritten === MARK_BYTES) segment.marks.push(mark);
    } catch {
      // Told by the next write of the log itself, if the disk is the matter.
    }
  }

  /** To be called before another segment is written to. Idempotent. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}
