import type { OutputChunk, StreamName } from '../../model/process.ts';

/** Bytes, with what a chunk takes besides its data. */
const MOST = 16 * 1024;
const CHUNK_COST = 128;

/**
 * The output of a process from its first byte on, for as long as it is little: most readers come right after the start,
 * and to read two lines from a file costs the core half a millisecond and the reader two turns through the thread pool.
 */
export class Beginning {
  readonly #next: Record<StreamName, number> = { stdout: 0, stderr: 0 };
  #chunks: OutputChunk[] | undefined;
  #cost = 0;

  /** @param earlier bytes that were said before: then the beginning is not known here */
  constructor(earlier: number) {
    if (earlier === 0) this.#chunks = [];
  }

  /** Undefined when it was more than is kept, or is not known. */
  get chunks(): readonly OutputChunk[] | undefined {
    return this.#chunks && [...this.#chunks];
  }

  add({ stream, offset, data }: OutputChunk): void {
    if (this.#chunks === undefined) return;
    this.#cost += data.length + CHUNK_COST;
    if (this.#cost > MOST || offset !== this.#next[stream]) {
      this.#chunks = undefined;
      return;
    }
    this.#next[stream] += data.length;
    // A copy: the chunk may hold on to everything that came with it through the channel.
    this.#chunks.push({ stream, offset, data: Buffer.from(data) });
  }
}
