/** The beginning of a stream, up to a limit; what comes after it is counted and dropped. */
export class CappedOutput {
  readonly #limit: number;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #bytes = 0;

  /** @param limit bytes to keep at most */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes that came, kept or not. */
  get bytes(): number {
    return this.#bytes;
  }

  get truncated(): boolean {
    return this.#bytes > this.#keptBytes;
  }

  push(data: Buffer): void {
    this.#bytes += data.length;
    const room = this.#limit - this.#keptBytes;
    if (room <= 0) return;
    // A copy when it is cut: a slice would keep the whole chunk in memory.
    const part = data.length <= room ? data : Buffer.from(data.subarray(0, room));
    this.#kept.push(part);
    this.#keptBytes += part.length;
  }

  toBuffer(): Buffer {
    return Buffer.concat(this.#kept, this.#keptBytes);
  }

  /** As UTF-8: bytes that are none become U+FFFD, but a character that only the limit cut in two is left out. */
  toText(): string {
    const kept = this.toBuffer();
    return (this.truncated ? withoutCutCharacter(kept) : kept).toString('utf8');
  }
}

/** Without the bytes at the end that begin a character and lack the rest of it. */
function withoutCutCharacter(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0b1100_0000) === 0b1000_0000) continue;
    return back < characterLength(byte) ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}

/** How many bytes a character has that begins with this one. */
function characterLength(first: number): number {
  if (first >= 0b1111_0000) return 4;
  if (first >= 0b1110_0000) return 3;
  return first >= 0b1100_0000 ? 2 : 1;
}
