import { constants } from 'node:os';
import { Ending } from '../../../src/core/guest/ending.ts';
import type { GuestChannel, GuestProcess, KnownProcess } from '../../../src/core/guest/guest-channel.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { ExitStatus, OutputChunk } from '../../../src/core/model/process.ts';
import type { FakeCall, FakeStep } from '../pool/fake-script.ts';

/** A channel without a guest: processes do what the script says, or nothing until they are signalled. */
export class MemoryChannel implements GuestChannel {
  readonly known: readonly KnownProcess[] = [];
  readonly #ending = new Ending();
  readonly #processes = new Map<number, MemoryProcess>();
  readonly #play: (call: FakeCall) => Promise<FakeStep | undefined>;
  #foretold: FsbError | undefined;
  #gone: Error | undefined;

  constructor(play: (call: FakeCall) => Promise<FakeStep | undefined>) {
    this.#play = play;
  }

  get closed(): Promise<Error> {
    return this.#ending.promise;
  }

  onClosed(listener: (reason: Error) => void): void {
    this.#ending.tell(listener);
  }

  async spawn(id: number): Promise<GuestProcess> {
    if (this.#gone) throw this.#gone;
    if (this.#processes.has(id)) throw new FsbError('conflict', `process ${id} of the guest exists already`);
    const process = new MemoryProcess(id, () => this.#processes.delete(id));
    this.#processes.set(id, process);
    try {
      await this.#play('spawn');
    } catch (error) {
      this.#processes.delete(id);
      throw error;
    }
    if (this.#gone) throw this.#gone;
    void this.#play('run').then(
      (step) => {
        if (step?.exit !== undefined) process.end(step.exit);
      },
      (error) => process.lose(error),
    );
    return process;
  }

  /** Processes that have not ended. */
  get running(): number {
    return [...this.#processes.values()].filter((process) => !process.ended).length;
  }

  resume(id: number): GuestProcess {
    throw new FsbError('run_failed', `the guest knows no process ${id}`);
  }

  /** Deadlines come from the script: a hanging ping times out when the test says so. */
  async ping(timeoutMs: number): Promise<void> {
    if (this.#gone) throw this.#gone;
    await Promise.race([
      this.#play('ping'),
      this.closed.then((reason) => {
        throw new FsbError('run_failed', `the guest is gone (ping of ${timeoutMs} ms): ${reason.message}`);
      }),
    ]);
  }

  signalAll(signal: number): void {
    for (const process of this.#processes.values()) process.signal(signal);
  }

  async scrub(): Promise<void> {
    if (this.#gone) throw this.#gone;
    await this.#play('scrub');
    this.signalAll(constants.signals.SIGKILL);
    this.#processes.clear();
  }

  foretell(end: FsbError): void {
    this.#foretold ??= end;
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
    this.#gone = this.#foretold ?? new FsbError('run_failed', reason.message);
    for (const process of this.#processes.values()) process.lose(this.#gone);
    this.#ending.happen(reason);
  }
}

class MemoryProcess implements GuestProcess {
  readonly id: number;
  readonly pid: number;
  readonly exited: Promise<ExitStatus>;
  readonly takesInput = false;
  ended = false;
  readonly #forget: () => void;
  #stderr = '';
  #settle!: { resolve: (status: ExitStatus) => void; reject: (reason: Error) => void };

  constructor(id: number, forget: () => void) {
    this.id = id;
    this.pid = id + 1;
    this.#forget = forget;
    this.exited = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.exited.catch(() => undefined);
  }

  get output(): AsyncIterable<OutputChunk> {
    return this.#output();
  }

  async *#output(): AsyncGenerator<OutputChunk> {
    await this.exited;
    if (this.#stderr !== '') yield { stream: 'stderr', offset: 0, data: Buffer.from(this.#stderr) };
  }

  async write(): Promise<void> {}
  endInput(): void {}
  resize(): void {}
  async close(): Promise<void> {}

  acknowledgeExit(): void {
    if (this.ended) this.#forget();
  }

  end({ code, signal, stderr = '' }: NonNullable<FakeStep['exit']>): void {
    this.ended = true;
    this.#stderr = stderr;
    this.#settle.resolve({ code: code ?? null, signal: signal ?? null });
  }

  signal(signal: number): void {
    this.end({ signal });
  }

  lose(reason: Error): void {
    this.ended = true;
    this.#settle.reject(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
