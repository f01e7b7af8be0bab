import type { OutputChunk, StreamName } from '../model/process.ts';
import type { LogWriter } from './log-store.ts';

type Offsets = Readonly<Record<StreamName, number>>;

/** The writer of a log that holds what earlier processes said: the offsets of this one count from its own first byte. */
export class LaterWriter implements LogWriter {
  readonly #whole: LogWriter;
  readonly #begin: Offsets;

  /** @param begin where its process begins in the log */
  constructor(whole: LogWriter, begin: Offsets) {
    this.#whole = whole;
    this.#begin = begin;
  }

  /** Not below zero: of a log that was lost since then there is nothing. */
  get offsets(): Offsets {
    const { stdout, stderr } = this.#whole.offsets;
    return {
      stdout: Math.max(0, stdout - this.#begin.stdout),
      stderr: Math.max(0, stderr - this.#begin.stderr),
    };
  }

  get time(): number {
    return this.#whole.time;
  }

  get kept(): number {
    return this.#whole.kept;
  }

  append(chunk: OutputChunk): Promise<void> {
    return this.#whole.append({ ...chunk, offset: chunk.offset + this.#begin[chunk.stream] });
  }

  skipTo(offsets: Offsets): Promise<void> {
    return this.#whole.skipTo(this.#inLog(offsets));
  }

  end(ends?: Offsets): Promise<void> {
    return this.#whole.end(ends && this.#inLog(ends));
  }

  close(): Promise<void> {
    return this.#whole.close();
  }

  #inLog({ stdout, stderr }: Offsets): Offsets {
    return { stdout: stdout + this.#begin.stdout, stderr: stderr + this.#begin.stderr };
  }
}
