import { closeSync, fchmodSync, fchownSync, ftruncateSync, futimesSync, openSync, writeSync } from 'node:fs';
import type { ContentSink, TarEntry } from './entry.ts';
import { nodeTime } from './times.ts';

/** What a file gets when it is whole. */
type Attributes = Pick<TarEntry, 'mode' | 'uid' | 'gid' | 'mtime'>;

/** One file that is being written. It is new: whoever made it knows that nothing was there. */
export class FileSink implements ContentSink {
  readonly #ownership: boolean;
  readonly #attributes: Attributes;
  #descriptor: number;

  /** @param path where nothing is */
  constructor(path: string | Buffer, attributes: Attributes, ownership: boolean) {
    this.#attributes = attributes;
    this.#ownership = ownership;
    this.#descriptor = openSync(path, 'wx', 0o600);
  }

  write(bytes: Buffer): void {
    this.writeAt(bytes, null);
  }

  /** @param position null: behind what was written last */
  writeAt(bytes: Buffer, position: number | null): void {
    for (let done = 0; done < bytes.length; ) {
      const at = position === null ? null : position + done;
      done += writeSync(this.#descriptor, bytes, done, bytes.length - done, at);
    }
  }

  extendTo(size: number): void {
    ftruncateSync(this.#descriptor, size);
  }

  end(): void {
    try {
      const { uid, gid, mode, mtime } = this.#attributes;
      if (this.#ownership) fchownSync(this.#descriptor, uid, gid);
      // After chown, which takes setuid away.
      fchmodSync(this.#descriptor, mode);
      const time = nodeTime(mtime);
      futimesSync(this.#descriptor, time, time);
    } finally {
      this.abandon();
    }
  }

  abandon(): void {
    const descriptor = this.#descriptor;
    this.#descriptor = -1;
    if (descriptor !== -1) closeSync(descriptor);
  }
}

/** The same for a sparse file: its bytes go where the map says, and nothing is written in between. */
export class SparseSink implements ContentSink {
  readonly #file: FileSink;
  readonly #entry: TarEntry;
  #segment = 0;
  /** Bytes of the segment that are there. */
  #done = 0;

  constructor(file: FileSink, entry: TarEntry) {
    this.#file = file;
    this.#entry = entry;
  }

  write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      // The reader has checked that the segments are as long together as all that comes.
      const { offset, length } = this.#entry.segments![this.#segment]!;
      const taken = Math.min(length - this.#done, bytes.length - at);
      this.#file.writeAt(bytes.subarray(at, at + taken), offset + this.#done);
      at += taken;
      this.#done += taken;
      if (this.#done < length) continue;
      this.#segment += 1;
      this.#done = 0;
    }
  }

  end(): void {
    try {
      this.#file.extendTo(this.#entry.size);
      this.#file.end();
    } finally {
      this.abandon();
    }
  }

  abandon(): void {
    this.#file.abandon();
  }
}
