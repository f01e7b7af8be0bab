import { once } from 'node:events';
import { settler } from '../../../../src/core/client/settler.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type {
  ExitStatus,
  OutputChunk,
  ProcessSession,
  StreamName,
  TerminalSize,
} from '../../../../src/core/model/process.ts';
import type { HostProcess } from './host-process.ts';

/** A session of a child: at most one chunk of each stream is in hand, the rest waits in the child's pipes. */
export class HostSession implements ProcessSession {
  readonly exited: Promise<ExitStatus>;
  /** Sessions that were not let go, by the core that made them. */
  readonly #open: Set<HostSession>;
  readonly #process: HostProcess;
  readonly #closed = settler<undefined>();
  #isClosed = false;

  constructor(process: HostProcess, open: Set<HostSession>) {
    this.#process = process;
    this.#open = open;
    this.exited = process.exited;
    open.add(this);
  }

  get output(): AsyncIterable<OutputChunk> {
    return this.#read();
  }

  async write(data: Uint8Array): Promise<void> {
    const { stdin } = this.#process.child;
    if (stdin.destroyed || stdin.write(data)) return;
    const settled = new AbortController();
    const { signal } = settled;
    const events = [once(stdin, 'drain', { signal }), once(stdin, 'close', { signal })].map((event) =>
      event.catch(() => {}),
    );
    await Promise.race([...events, this.#closed.promise]);
    settled.abort();
  }

  endInput(): void {
    this.#process.child.stdin.end();
  }

  resize(size: TerminalSize): void {
    this.#process.resize(size);
  }

  signal(signal: number): void {
    this.#process.signal(signal);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#open.delete(this);
    this.#closed.resolve(undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *#read(): AsyncGenerator<OutputChunk> {
    const { stdout, stderr } = this.#process.child;
    const sources = { stdout: stdout[Symbol.asyncIterator](), stderr: stderr[Symbol.asyncIterator]() };
    const offsets = { stdout: 0, stderr: 0 };
    const pending = new Map<StreamName, Promise<{ stream: StreamName; result: IteratorResult<Buffer> }>>();
    const ask = (stream: StreamName): void => {
      pending.set(
        stream,
        sources[stream].next().then((result) => ({ stream, result })),
      );
    };
    ask('stdout');
    ask('stderr');
    while (pending.size > 0 && !this.#isClosed) {
      const came = await Promise.race([...pending.values(), this.#closed.promise]);
      if (came === undefined) return;
      const { stream, result } = came;
      pending.delete(stream);
      if (result.done) continue;
      const offset = offsets[stream];
      offsets[stream] += result.value.length;
      yield { stream, offset, data: result.value };
      ask(stream);
    }
  }
}

export const notRunning = (name: string): FsbError =>
  new FsbError('conflict', `the sandbox ${name} is not running`, { hint: 'Create it anew.' });
