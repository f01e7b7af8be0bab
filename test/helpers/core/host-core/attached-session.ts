import type { LogQuery } from '../../../../src/core/model/logs.ts';
import type { MainBegin, OutputChunk } from '../../../../src/core/model/process.ts';
import type { HostProcess } from './host-process.ts';
import { HostSession } from './host-session.ts';
import type { MemoryLog } from './memory-log.ts';

/** Joins a main process through its log. */
export class AttachedSession extends HostSession {
  readonly #main: HostProcess;
  readonly #log: MemoryLog;
  readonly place: MainBegin;
  readonly #gone = new AbortController();

  constructor(process: HostProcess, open: Set<HostSession>, log: MemoryLog, place: MainBegin) {
    super(process, open);
    this.#main = process;
    this.#log = log;
    this.place = place;
  }

  override get output(): AsyncIterable<OutputChunk> {
    return this.#follow();
  }

  override signal(signal: number): void {
    this.#main.signal(signal, 'process');
  }

  override async close(): Promise<void> {
    this.#gone.abort();
    await super.close();
  }

  async *#follow(): AsyncGenerator<OutputChunk> {
    const next = { stdout: 0, stderr: 0 };
    let at = 0;
    try {
      for await (const { stream, data } of this.#log.read(everything, this.#gone.signal)) {
        if (at++ < this.#log.begin) continue;
        const offset = next[stream];
        next[stream] += data.length;
        const seen = Math.max(0, this.place[stream] - offset);
        if (seen < data.length) yield { stream, offset: offset + seen, data: data.subarray(seen) };
      }
    } catch (error) {
      if (!this.#gone.signal.aborted) throw error;
    }
  }
}

const everything: LogQuery = { follow: true, stdout: true, stderr: true };
