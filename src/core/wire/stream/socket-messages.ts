/** WebSocket messages (RFC 6455) as one end of a unix socket writes and the other reads them: nothing is between them. */
import { malformed } from './frames.ts';

/** Of the kinds of messages those that a core and its client have a use for. */
export const kinds = { binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface SocketMessage {
  kind: number;
  /** A view on what was read. */
  payload: Buffer;
}

const LAST_PART = 0x80;
const MASKED = 0x80;
/** Lengths up to 125 stand in the second byte; these two say that one of 16 or 64 bits follows. */
const [SHORT, LONG] = [126, 127];

/**
 * What goes before a message of a client, whose mask has to be there: it keeps proxies from taking what somebody sends
 * for a request, and here are none. With zeros for a mask the payload stays as it is.
 */
export function messageHead(kind: number, length: number): Buffer {
  const size = length < SHORT ? 0 : length < 2 ** 16 ? 2 : 8;
  const head = Buffer.alloc(2 + size + 4);
  head[0] = LAST_PART | kind;
  head[1] = MASKED | (size === 0 ? length : size === 2 ? SHORT : LONG);
  if (size === 2) head.writeUInt16BE(length, 2);
  if (size === 8) head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

/** Puts together what a core sends. */
export class MessageReader {
  readonly #longest: number;
  #pieces: Buffer[] = [];
  #length = 0;
  /** Bytes without which there is nothing new to see. */
  #needed = 0;

  /** @param longest bytes of a message at most */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /** @throws invalid_argument for what a core never sends */
  *read(chunk: Buffer): Generator<SocketMessage> {
    this.#pieces.push(chunk);
    this.#length += chunk.length;
    while (this.#length >= this.#needed) {
      const [first] = this.#pieces;
      const all = this.#pieces.length === 1 ? first! : Buffer.concat(this.#pieces);
      const head = this.#headOf(all);
      const end = head === undefined ? all.length + 1 : head.end;
      const isWhole = head !== undefined && end <= all.length;
      const rest = isWhole ? all.subarray(end) : all;
      this.#pieces = rest.length === 0 ? [] : [rest];
      this.#length = rest.length;
      this.#needed = isWhole ? 1 : end;
      if (isWhole) yield { kind: head.kind, payload: all.subarray(head.begin, end) };
    }
  }

  /** Undefined while not all of it is here. */
  #headOf(bytes: Buffer): { kind: number; begin: number; end: number } | undefined {
    if (bytes.length < 2) return undefined;
    const [first, second] = bytes as unknown as [number, number];
    if ((first & 0xf0) !== LAST_PART) throw malformed('a message in parts, or with an extension');
    if (second & MASKED) throw malformed('a message with a mask');
    const begin = second === SHORT ? 4 : second === LONG ? 10 : 2;
    if (bytes.length < begin) return undefined;
    const length = begin === 2 ? second : begin === 4 ? bytes.readUInt16BE(2) : lengthOf64(bytes);
    if (length > this.#longest) throw malformed(`a message of ${length} bytes`);
    return { kind: first & 0x0f, begin, end: begin + length };
  }
}

const lengthOf64 = (bytes: Buffer): number => bytes.readUInt32BE(2) * 2 ** 32 + bytes.readUInt32BE(6);
