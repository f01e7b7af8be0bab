/** Divides a stream at a mark, however its bytes are cut into chunks. */
export class MarkSplitter {
  readonly #mark: Buffer;
  readonly #before: (data: Buffer) => void;
  /** The end of what came, which may be the beginning of the mark. */
  #held: Buffer = Buffer.alloc(0);
  #found = false;

  /** @param before gets what comes before the mark */
  constructor(mark: Buffer, before: (data: Buffer) => void) {
    this.#mark = mark;
    this.#before = before;
  }

  get found(): boolean {
    return this.#found;
  }

  /** @returns what comes after the mark; empty before it */
  push(data: Buffer): Buffer {
    if (this.#found) return data;
    const all = this.#held.length === 0 ? data : Buffer.concat([this.#held, data]);
    const at = all.indexOf(this.#mark);
    if (at >= 0) {
      this.#found = true;
      this.#held = Buffer.alloc(0);
      this.#before(all.subarray(0, at));
      return all.subarray(at + this.#mark.length);
    }
    const safe = Math.max(0, all.length - (this.#mark.length - 1));
    if (safe > 0) this.#before(all.subarray(0, safe));
    this.#held = Buffer.from(all.subarray(safe));
    return Buffer.alloc(0);
  }

  /** The stream ended without the mark: all of it came before. */
  end(): void {
    if (this.#held.length > 0) this.#before(this.#held);
    this.#held = Buffer.alloc(0);
  }
}
