/** Frames up to this length, in bytes, are copied into batches: each by itself would take a hundred times its bytes. */
const SMALL = 1024;
const BATCH = 4096;
/** Bytes that a Buffer takes besides what is in it. */
export const BUFFER_OVERHEAD = 256;

const NOTHING = Buffer.alloc(0);

/** One frame, or several small ones, each behind its length: one byte below 128, else two. */
interface Batch {
  bytes: Buffer;
  start: number;
  end: number;
  isPacked: boolean;
  next?: Batch;
}

/** A queue of frames that takes little more memory than they have bytes, however small they are. */
export class KeptFrames {
  readonly #onTaken: (bytes: number) => void;
  #head: Batch | undefined;
  #tail: Batch | undefined;
  #length = 0;
  #bytes = 0;

  /** @param onTaken told how many bytes of memory it takes more, or less */
  constructor(onTaken: (bytes: number) => void = () => {}) {
    this.#onTaken = onTaken;
  }

  get length(): number {
    return this.#length;
  }

  /** Of the frames themselves. */
  get bytes(): number {
    return this.#bytes;
  }

  push(frame: Buffer): void {
    this.#length += 1;
    this.#bytes += frame.length;
    if (frame.length > SMALL)
      this.#add({ bytes: alone(frame), start: 0, end: frame.length, isPacked: false });
    else this.#pack(frame);
  }

  /** Forgets the oldest. */
  drop(count: number): void {
    for (let left = Math.min(count, this.#length); left > 0; left--) {
      const batch = this.#head!;
      const [from, to] = frameAt(batch, batch.start);
      batch.start = to;
      this.#length -= 1;
      this.#bytes -= to - from;
      if (batch.start === batch.end) this.#remove(batch);
    }
  }

  /** From the oldest on; what comes and goes meanwhile comes and goes in what is left of the walk, too. */
  *[Symbol.iterator](): Generator<Buffer> {
    for (let batch = this.#head; batch !== undefined; batch = batch.next) {
      for (let at = batch.start; at < batch.end; ) {
        const [from, to] = frameAt(batch, at);
        yield batch.bytes.subarray(from, to);
        at = to;
      }
    }
  }

  #pack(frame: Buffer): void {
    const tail = this.#tail;
    const isRoom = tail?.isPacked && tail.end + 2 + frame.length <= BATCH;
    const batch = isRoom
      ? tail
      : this.#add({ bytes: Buffer.allocUnsafe(BATCH), start: 0, end: 0, isPacked: true });
    if (frame.length >= 128) batch.bytes[batch.end++] = 128 | (frame.length >> 8);
    batch.bytes[batch.end++] = frame.length & 255;
    frame.copy(batch.bytes, batch.end);
    batch.end += frame.length;
  }

  #add(batch: Batch): Batch {
    this.#head ??= batch;
    if (this.#tail !== undefined) this.#tail.next = batch;
    this.#tail = batch;
    this.#onTaken(batch.bytes.length + BUFFER_OVERHEAD);
    return batch;
  }

  #remove(batch: Batch): void {
    this.#head = batch.next;
    this.#onTaken(-(batch.bytes.length + BUFFER_OVERHEAD));
    // The last one stays, as the place from which a walk goes on.
    batch.bytes = NOTHING;
    batch.isPacked = false;
  }
}

/** A part of a larger piece of memory would keep the whole of it. */
function alone(data: Buffer): Buffer {
  if (data.buffer.byteLength < 2 * data.length) return data;
  const copy = Buffer.allocUnsafeSlow(data.length);
  data.copy(copy);
  return copy;
}

/** Where the bytes of the frame are, whose length, if it has one, stands at `at`. */
function frameAt({ bytes, end, isPacked }: Batch, at: number): [from: number, to: number] {
  if (!isPacked) return [at, end];
  const first = bytes[at]!;
  if (first < 128) return [at + 1, at + 1 + first];
  return [at + 2, at + 2 + (((first & 127) << 8) | bytes[at + 1]!)];
}
