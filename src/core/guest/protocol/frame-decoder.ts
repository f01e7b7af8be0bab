import { HEADER_LENGTH } from './frames.ts';
import { ProtocolError } from './protocol-error.ts';

/** A frame as it came in. The payload may share memory with the chunk that was fed. */
export type OnFrame = (type: number, process: number, payload: Buffer) => void;

const LENGTH_FIELD = 4;
const NOTHING = Buffer.alloc(0);
const SHORTEST = HEADER_LENGTH - LENGTH_FIELD;

/**
 * Cuts a byte stream into frames, wherever the chunks of the stream end. A frame that lies within one chunk is not
 * copied; one that spans chunks is gathered once, into a buffer of its exact size, and never holds more than `longest`.
 */
export class FrameDecoder {
  readonly #longest: number;
  readonly #onFrame: OnFrame;
  /** Made when a header is cut for the first time. */
  #header: Buffer = NOTHING;
  #headerFilled = 0;
  #payload: Buffer | undefined;
  #payloadFilled = 0;

  /** `longest`: the greatest `length` field that the peer may send. */
  constructor(longest: number, onFrame: OnFrame) {
    this.#longest = longest;
    this.#onFrame = onFrame;
  }

  /**
   * Calls back for every frame that is complete now. What the callback throws comes out here.
   * @throws ProtocolError for a length that is not allowed; the decoder is of no more use then
   */
  feed(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#payload) at = this.#fillPayload(this.#payload, chunk, at);
      else if (this.#headerFilled > 0 || chunk.length - at < HEADER_LENGTH) at = this.#fillHeader(chunk, at);
      else at = this.#wholeHeader(chunk, at);
    }
  }

  #wholeHeader(chunk: Buffer, at: number): number {
    const payloadLength = this.#checkedLength(chunk.readUInt32LE(at));
    const start = at + HEADER_LENGTH;
    const end = start + payloadLength;
    if (end <= chunk.length) {
      this.#onFrame(chunk[at + LENGTH_FIELD]!, chunk.readUInt32LE(at + 5), chunk.subarray(start, end));
      return end;
    }
    this.#makeHeader();
    chunk.copy(this.#header, 0, at, start);
    this.#headerFilled = HEADER_LENGTH;
    this.#beginPayload(payloadLength);
    return start;
  }

  #fillHeader(chunk: Buffer, at: number): number {
    this.#makeHeader();
    const take = Math.min(HEADER_LENGTH - this.#headerFilled, chunk.length - at);
    chunk.copy(this.#header, this.#headerFilled, at, at + take);
    const before = this.#headerFilled;
    this.#headerFilled += take;
    // A forbidden length is refused as soon as it is known, also when nothing follows it.
    if (before < LENGTH_FIELD && this.#headerFilled >= LENGTH_FIELD)
      this.#checkedLength(this.#header.readUInt32LE(0));
    if (this.#headerFilled === HEADER_LENGTH) {
      const payloadLength = this.#header.readUInt32LE(0) - SHORTEST;
      if (payloadLength === 0) this.#deliver(NOTHING);
      else this.#beginPayload(payloadLength);
    }
    return at + take;
  }

  #makeHeader(): void {
    if (this.#header.length === 0) this.#header = Buffer.alloc(HEADER_LENGTH);
  }

  #beginPayload(length: number): void {
    this.#payload = Buffer.allocUnsafe(length);
    this.#payloadFilled = 0;
  }

  #fillPayload(payload: Buffer, chunk: Buffer, at: number): number {
    const take = Math.min(payload.length - this.#payloadFilled, chunk.length - at);
    chunk.copy(payload, this.#payloadFilled, at, at + take);
    this.#payloadFilled += take;
    if (this.#payloadFilled === payload.length) this.#deliver(payload);
    return at + take;
  }

  #deliver(payload: Buffer): void {
    this.#payload = undefined;
    this.#headerFilled = 0;
    this.#onFrame(this.#header[LENGTH_FIELD]!, this.#header.readUInt32LE(5), payload);
  }

  #checkedLength(length: number): number {
    if (length > this.#longest)
      throw new ProtocolError(
        'tooLong',
        `a frame of ${length} bytes is longer than the ${this.#longest} allowed`,
      );
    if (length < SHORTEST)
      throw new ProtocolError('malformed', `a frame of ${length} bytes has no room for its header`);
    return length - SHORTEST;
  }
}
