import { frameTypes, HEADER_LENGTH } from './frames.ts';
import { ProtocolError } from './protocol-error.ts';

/** Reads a payload from front to back; whatever does not fit is a ProtocolError, never an out-of-range read. */
export class PayloadReader {
  readonly #name: string;
  readonly #bytes: Buffer;
  #at = 0;

  constructor(name: string, bytes: Buffer) {
    this.#name = name;
    this.#bytes = bytes;
  }

  /** Bytes that were not read. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#bytes[this.#advance(1)]!;
  }

  u16(): number {
    return this.#bytes.readUInt16LE(this.#advance(2));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#advance(4));
  }

  i32(): number {
    return this.#bytes.readInt32LE(this.#advance(4));
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#advance(8));
  }

  /** 64 bits of which no honest peer uses more than 53: bytes and microseconds. */
  count(): number {
    const at = this.#advance(8);
    const high = this.#bytes.readUInt32LE(at + 4);
    this.require(high < 0x20_0000, 'a number is beyond 2^53');
    return high * 0x1_0000_0000 + this.#bytes.readUInt32LE(at);
  }

  flag(): boolean {
    const value = this.u8();
    this.require(value <= 1, `${value} is neither 0 nor 1`);
    return value === 1;
  }

  bytes(length: number): Buffer {
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** u32 length and bytes without a NUL. */
  text(): string {
    const bytes = this.bytes(this.u32());
    this.require(!bytes.includes(0), 'a text has a NUL in it');
    return bytes.toString('utf8');
  }

  /** Refuses a count that the rest of the payload cannot hold before anything is allocated for it. */
  list<T>(count: number, smallest: number, read: () => T): T[] {
    this.require(count * smallest <= this.left, `${count} entries do not fit`);
    const entries: T[] = [];
    for (let i = 0; i < count; i++) entries.push(read());
    return entries;
  }

  rest(): Buffer {
    return this.bytes(this.left);
  }

  end(): void {
    this.require(this.left === 0, `${this.left} bytes are left over`);
  }

  require(condition: boolean, problem: string): void {
    if (!condition) throw new ProtocolError('malformed', `malformed ${this.#name} frame: ${problem}`);
  }

  #advance(length: number): number {
    const at = this.#at;
    this.require(length <= this.left, 'it is too short');
    this.#at = at + length;
    return at;
  }
}

/** Fills one frame of a known size from front to back. */
export class FrameWriter {
  readonly bytes: Buffer;
  #at = HEADER_LENGTH;

  constructor(type: keyof typeof frameTypes, process: number, payloadLength: number) {
    this.bytes = Buffer.allocUnsafe(HEADER_LENGTH + payloadLength);
    this.bytes.writeUInt32LE(HEADER_LENGTH - 4 + payloadLength, 0);
    this.bytes[4] = frameTypes[type];
    this.bytes.writeUInt32LE(process, 5);
  }

  u8(value: number): this {
    this.#at = this.bytes.writeUInt8(value, this.#at);
    return this;
  }

  u16(value: number): this {
    this.#at = this.bytes.writeUInt16LE(value, this.#at);
    return this;
  }

  u32(value: number): this {
    this.#at = this.bytes.writeUInt32LE(value, this.#at);
    return this;
  }

  i32(value: number): this {
    this.#at = this.bytes.writeInt32LE(value, this.#at);
    return this;
  }

  u64(value: bigint): this {
    this.#at = this.bytes.writeBigUInt64LE(value, this.#at);
    return this;
  }

  count(value: number): this {
    this.u32(value % 0x1_0000_0000);
    return this.u32(Math.floor(value / 0x1_0000_0000));
  }

  raw(data: Uint8Array): this {
    this.bytes.set(data, this.#at);
    this.#at += data.length;
    return this;
  }

  text(encoded: Buffer): this {
    return this.u32(encoded.length).raw(encoded);
  }
}

/** What FrameWriter.text will take for it. */
export const textLength = (encoded: Buffer): number => 4 + encoded.length;
