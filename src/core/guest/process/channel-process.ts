import { constants } from 'node:os';
import { FsbError } from '../../model/failure/errors.ts';
import {
  assertTerminalSize,
  type ExitStatus,
  type StreamName,
  type TerminalSize,
} from '../../model/process.ts';
import type { GuestProcess } from '../guest-channel.ts';
import type { CoreFrame, ExitFrame } from '../protocol/frames.ts';
import { signalScopes } from '../protocol/frames.ts';
import { ProtocolError } from '../protocol/protocol-error.ts';
import { InputStream } from './input-stream.ts';
import { OutputQueue } from './output-queue.ts';

const streamNumbers: Record<StreamName, number> = { stdout: 1, stderr: 2 };

export interface ProcessOptions {
  id: number;
  pid: number;
  outputWindow: number;
  inputWindow: number;
  /** Where the output continues. */
  from: Record<StreamName, number>;
  /** Whether the process takes input, and how much of it the guest has. */
  input: { open: boolean; sent: number; acknowledged: number };
  send(frame: CoreFrame): void;
  /** It has ended, and the guest has not sent all of its output yet. */
  onOwed(output: OutputQueue): void;
  /** The guest was told to forget the process. */
  onForgotten(): void;
}

/** A process as the channel holds it; the channel hands it the frames that name it. */
export class ChannelProcess implements GuestProcess {
  readonly id: number;
  readonly pid: number;
  readonly output: OutputQueue;
  readonly exited: Promise<ExitStatus>;
  readonly #options: ProcessOptions;
  readonly #input: InputStream;
  #settleExit!: { resolve(status: ExitStatus): void; reject(error: Error): void };
  #ended = false;
  #lost = false;
  #exitIsSafe = false;
  #forgotten = false;

  constructor(options: ProcessOptions) {
    const { id, pid, send } = options;
    this.#options = options;
    this.id = id;
    this.pid = pid;
    this.output = new OutputQueue({
      window: options.outputWindow,
      from: options.from,
      acknowledge: (name, offset) => {
        // After the exit was acknowledged the guest knows no such process any more.
        if (!this.#forgotten) send({ type: 'ACK', process: id, stream: streamNumbers[name], offset });
      },
      onSettled: () => this.#forgetWhenSafe(),
    });
    this.#input = new InputStream({
      ...options.input,
      window: options.inputWindow,
      send: (offset, data) => send({ type: 'STDIN', process: id, offset, data }),
      sendEnd: (offset) => send({ type: 'STDIN_EOF', process: id, offset }),
    });
    this.exited = new Promise((resolve, reject) => {
      this.#settleExit = { resolve, reject };
    });
    // Who does not ask for the exit must not be killed by its loss.
    this.exited.catch(() => undefined);
  }

  get takesInput(): boolean {
    return this.#input.takesMore;
  }

  write(data: Uint8Array): Promise<void> {
    return this.#input.write(data);
  }

  endInput(): void {
    this.#input.end();
  }

  resize(size: TerminalSize): void {
    assertTerminalSize(size);
    const { rows, cols: columns } = size;
    if (!this.#gone) this.#options.send({ type: 'RESIZE', process: this.id, rows, columns });
  }

  signal(signal: number, scope: 'process' | 'group' = 'group'): void {
    if (!Number.isInteger(signal) || signal < 1 || signal > 64)
      throw new FsbError('invalid_argument', `there is no signal ${signal}`);
    if (this.#gone) return;
    this.#options.send({ type: 'SIGNAL', process: this.id, number: signal, scope: signalScopes[scope] });
  }

  /** The guest drops what it still holds of a forgotten process: it is told when the output is settled too. */
  acknowledgeExit(): void {
    this.#exitIsSafe = true;
    this.#forgetWhenSafe();
  }

  async close(): Promise<void> {
    this.output.drop();
    this.#input.close();
  }

  /** Nobody wants it any more: it is killed, and nothing of it is kept. */
  abandon(): void {
    this.output.drop();
    this.#input.close();
    this.signal(constants.signals.SIGKILL);
    this.acknowledgeExit();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @throws ProtocolError */
  onOutput(stream: StreamName, offset: number, data: Buffer): void {
    this.output.receive(stream, offset, data);
  }

  /** @throws ProtocolError */
  onInputAcknowledged(offset: number): void {
    this.#input.acknowledge(offset);
  }

  onInputClosed(): void {
    this.#input.close();
  }

  /** @throws ProtocolError */
  onExit(frame: ExitFrame): void {
    if (this.#ended) throw new ProtocolError('malformed', `process ${this.id} exits a second time`);
    this.output.finish({ stdout: frame.stdoutTotal, stderr: frame.stderrTotal });
    this.#ended = true;
    this.#input.close();
    const exited = frame.kind === 0;
    this.#settleExit.resolve({ code: exited ? frame.value : null, signal: exited ? null : frame.value });
    this.#forgetWhenSafe();
    if (this.output.isOwed) this.#options.onOwed(this.output);
  }

  /** Nothing more will be heard of the process: the channel is gone, or it never started. */
  lose(error: Error): void {
    this.#lost = true;
    this.#settleExit.reject(error);
    this.output.fail(error);
    this.#input.fail(error);
  }

  get #gone(): boolean {
    return this.#ended || this.#lost;
  }

  #forgetWhenSafe(): void {
    if (!this.#exitIsSafe || !this.#ended || this.#lost || this.#forgotten || !this.output.settled) return;
    this.#forgotten = true;
    this.#options.send({ type: 'EXIT_ACK', process: this.id });
    this.#options.onForgotten();
  }
}
