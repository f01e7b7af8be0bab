import { EventEmitter, once } from 'node:events';
import { throwIfAborted } from '../../../../src/core/model/failure/errors.ts';
import type { LogEntry, LogQuery } from '../../../../src/core/model/logs.ts';
import type { StreamName } from '../../../../src/core/model/process.ts';

/** Everything that a main process wrote, behind what the generations before it did. */
export class MemoryLog {
  readonly entries: LogEntry[];
  /** Where its own begins. */
  readonly begin: number;
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #seq: number;
  #ended = false;

  constructor(earlier: readonly LogEntry[] = []) {
    this.entries = [...earlier];
    this.begin = earlier.length;
    this.#seq = earlier.at(-1)?.seq ?? 0;
  }

  /** An entry a line: two lines that were written one after the other may come together. */
  append(stream: StreamName, data: Buffer): void {
    for (let from = 0; from < data.length; ) {
      const newline = data.indexOf(0x0a, from);
      const to = newline < 0 ? data.length : newline + 1;
      this.#seq += to - from;
      this.entries.push({ stream, time: Date.now() + 0.5, seq: this.#seq, data: data.subarray(from, to) });
      from = to;
    }
    this.#changes.emit('change');
  }

  /** Bytes of its own. */
  get ends(): Record<StreamName, number> {
    const ends = { stdout: 0, stderr: 0 };
    for (const { stream, data } of this.entries.slice(this.begin)) ends[stream] += data.length;
    return ends;
  }

  end(): void {
    this.#ended = true;
    this.#changes.emit('change');
  }

  async *read(query: LogQuery, signal?: AbortSignal): AsyncGenerator<LogEntry> {
    let at = query.tail === undefined ? 0 : this.#tailStart(query, query.tail);
    if (query.position) yield { ...this.#positionOf(at, query), sandboxId: query.sandboxId };
    for (;;) {
      throwIfAborted(signal);
      for (; at < this.entries.length; at += 1) {
        const entry = this.entries[at]!;
        if (entry.seq > (query.afterSeq ?? -1) && query[entry.stream]) yield entry;
      }
      if (!query.follow || this.#ended) return;
      await once(this.#changes, 'change', { signal }).catch(() => throwIfAborted(signal));
    }
  }

  /** A reader that goes on where it was may break off again before anything has come: it must not begin anew. */
  #positionOf(at: number, { afterSeq = 0 }: LogQuery): LogEntry {
    const seq = Math.max(this.entries[at - 1]?.seq ?? 0, afterSeq);
    return { stream: 'stdout', time: Date.now(), seq, data: Buffer.alloc(0) };
  }

  #tailStart(query: LogQuery, tail: number): number {
    let lines = 0;
    let at = this.entries.length;
    while (at > 0 && lines < tail) {
      at -= 1;
      const entry = this.entries[at]!;
      if (query[entry.stream]) lines += entry.data.toString().split('\n').length - 1;
    }
    return at;
  }
}
