import type { GuestChannel, GuestProcess, KnownProcess } from '../../src/core/guest/guest-channel.ts';
import { FsbError } from '../../src/core/model/errors.ts';
import type { ExitStatus, OutputChunk } from '../../src/core/model/process.ts';

/** A channel without a guest: processes say nothing and end when they are signalled. For tests of timing only. */
export class MemoryChannel implements GuestChannel {
  readonly known: readonly KnownProcess[] = [];
  readonly closed: Promise<Error>;
  readonly #processes = new Map<number, MemoryProcess>();
  readonly #ping: () => Promise<void>;
  #gone: Error | undefined;
  #settleClosed!: (reason: Error) => void;

  constructor(ping: () => Promise<void>) {
    this.#ping = ping;
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
  }

  async spawn(id: number): Promise<GuestProcess> {
    if (this.#gone) throw this.#gone;
    const process = new MemoryProcess(id);
    this.#processes.set(id, process);
    return process;
  }

  resume(id: number): GuestProcess {
    throw new FsbError('run_failed', `the guest knows no process ${id}`);
  }

  /** Deadlines come from the script: a hanging ping times out when the test says so. */
  async ping(timeoutMs: number): Promise<void> {
    if (this.#gone) throw this.#gone;
    await Promise.race([
      this.#ping(),
      this.closed.then((reason) => {
        throw new FsbError('run_failed', `the guest is gone (ping of ${timeoutMs} ms): ${reason.message}`);
      }),
    ]);
  }

  signalAll(signal: number): void {
    for (const process of this.#processes.values()) process.signal(signal);
  }

  async close(): Promise<void> {
    this.lose(new Error('closed by the core'));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The guest died, or the core let go. */
  lose(reason: Error): void {
    if (this.#gone) return;
    this.#gone = new FsbError('run_failed', reason.message);
    for (const process of this.#processes.values()) process.lose(this.#gone);
    this.#settleClosed(reason);
  }
}

class MemoryProcess implements GuestProcess {
  readonly id: number;
  readonly pid: number;
  readonly exited: Promise<ExitStatus>;
  #settle!: { resolve: (status: ExitStatus) => void; reject: (reason: Error) => void };

  constructor(id: number) {
    this.id = id;
    this.pid = id + 1;
    this.exited = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.exited.catch(() => undefined);
  }

  get output(): AsyncIterable<OutputChunk> {
    const next = async (): Promise<IteratorResult<OutputChunk>> => {
      await this.exited;
      return { done: true, value: undefined };
    };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  async write(): Promise<void> {}
  endInput(): void {}
  resize(): void {}
  acknowledgeExit(): void {}
  async close(): Promise<void> {}

  signal(signal: number): void {
    this.#settle.resolve({ code: null, signal });
  }

  lose(reason: Error): void {
    this.#settle.reject(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
