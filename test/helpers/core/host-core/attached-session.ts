import type { LogQuery } from '../../../../src/core/model/logs.ts';
import type { OutputChunk } from '../../../../src/core/model/process.ts';
import type { HostProcess } from './host-process.ts';
import { HostSession } from './host-session.ts';
import type { MemoryLog } from './memory-log.ts';

/** Joins a main process through its log. */
export class AttachedSession extends HostSession {
  readonly #main: HostProcess;
  readonly #log: MemoryLog;
  readonly #replay: boolean;
  readonly #gone = new AbortController();

  constructor(process: HostProcess, open: Set<HostSession>, log: MemoryLog, replay: boolean) {
    super(process, open);
    this.#main = process;
    this.#log = log;
    this.#replay = replay;
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
    const from = this.#replay ? this.#log.begin : this.#log.entries.length;
    const next = { stdout: 0, stderr: 0 };
    let at = 0;
    try {
      for await (const { stream, data } of this.#log.read(everything, this.#gone.signal)) {
        const offset = next[stream];
        next[stream] += data.length;
        if (at++ >= from) yield { stream, offset, data };
      }
    } catch (error) {
      if (!this.#gone.signal.aborted) throw error;
    }
  }
}

const everything: LogQuery = { follow: true, stdout: true, stderr: true };
