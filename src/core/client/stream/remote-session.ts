import { FsbError } from '../../model/failure/errors.ts';
import type {
  ExitStatus,
  MainBegin,
  MainPlace,
  OutputChunk,
  ProcessSession,
  StreamName,
  TerminalSize,
} from '../../model/process.ts';
import {
  channels,
  decodeAck,
  decodePosition,
  encodeAck,
  encodeFrame,
  encodeResize,
  encodeSignal,
  type Frame,
  INPUT_WINDOW,
  malformed,
  PIECE,
} from '../../wire/stream/frames.ts';
import { decodeStarted } from '../../wire/stream/started.ts';
import { decodeStatus } from '../../wire/stream/stream-end.ts';
import { type Settler, settler } from '../settler.ts';
import type { FrameSocket, SocketEvents } from './frame-socket.ts';
import { Inbox } from './inbox.ts';

/** A process session whose other end is in the core. */
export class RemoteSession implements ProcessSession, SocketEvents {
  readonly output: AsyncIterable<OutputChunk>;
  readonly exited: Promise<ExitStatus>;
  /** Resolves when the core says that the process is there; rejects with the reason why it is not. */
  readonly started: Promise<void>;
  readonly #inbox: Inbox<OutputChunk>;
  readonly #exit: Settler<ExitStatus> = settler();
  readonly #start: Settler<void> = settler();
  readonly #next: Record<StreamName, number> = { stdout: 0, stderr: 0 };
  readonly #whenLost: string;
  #place: MainBegin | undefined;
  #socket: FrameSocket | undefined;
  #ended = false;
  #input: Promise<void> = Promise.resolve();
  #sent = 0;
  #acknowledged = 0;
  #roomForInput: (() => void) | undefined;
  #inputEnded = false;

  /** @param whenLost what to tell the user when the connection breaks before the process has ended */
  constructor(whenLost: string) {
    this.#whenLost = whenLost;
    this.#inbox = new Inbox((consumed) => this.#socket?.send(encodeAck(consumed)));
    this.output = this.#inbox;
    this.exited = this.#exit.promise;
    this.started = this.#start.promise;
  }

  get place(): MainBegin | undefined {
    return this.#place;
  }

  /** Of a main process: behind what came. */
  get reached(): MainPlace | undefined {
    return this.#place && { sandboxId: this.#place.sandboxId, ...this.#next };
  }

  use(socket: FrameSocket): void {
    this.#socket = socket;
  }

  onFrame({ channel, payload }: Frame): void {
    if (channel === channels.stdout) this.#receive('stdout', payload);
    else if (channel === channels.stderr) this.#receive('stderr', payload);
    else if (channel === channels.ack) this.#acknowledge(decodeAck(payload));
    else if (channel === channels.position) this.#move(payload);
    else if (channel === channels.started) this.#started(payload);
    else if (channel === channels.status) this.#conclude(payload);
    else throw malformed(`a frame on channel ${channel} to a client`);
  }

  onEnd(reason: FsbError): void {
    this.#finish(
      new FsbError('run_failed', `lost the process: ${reason.message}; how it ends is not known`, {
        hint: this.#whenLost,
        cause: reason,
      }),
    );
  }

  write(data: Uint8Array): Promise<void> {
    this.#input = this.#input.then(() => this.#write(data));
    return this.#input;
  }

  endInput(): void {
    if (this.#inputEnded) return;
    this.#inputEnded = true;
    this.#input = this.#input.then(() =>
      this.#socket?.send(encodeFrame(channels.close, Buffer.of(channels.stdin))),
    );
  }

  resize(size: TerminalSize): void {
    this.#socket?.send(encodeResize(size));
  }

  signal(signal: number): void {
    this.#socket?.send(encodeSignal(signal));
  }

  async close(): Promise<void> {
    this.#inbox.end();
    this.#finish(new FsbError('cancelled', 'the session was closed before the process ended'));
    await this.#socket?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #started(payload: Buffer): void {
    this.#place = decodeStarted(payload);
    const { stdout = 0, stderr = 0 } = this.#place ?? {};
    Object.assign(this.#next, { stdout, stderr });
    this.#start.resolve();
  }

  #receive(stream: StreamName, data: Buffer): void {
    const offset = this.#next[stream];
    this.#next[stream] += data.length;
    this.#inbox.push({ stream, offset, data }, data.length + 1);
  }

  #move(payload: Buffer): void {
    const { stream, offset } = decodePosition(payload);
    const isMissing = offset > this.#next[stream];
    this.#next[stream] = offset;
    // Perhaps nothing comes behind it that could tell.
    if (isMissing) this.#inbox.push({ stream, offset, data: Buffer.alloc(0) }, 0);
  }

  #acknowledge(consumed: number): void {
    this.#acknowledged = consumed;
    this.#roomForInput?.();
  }

  #conclude(payload: Buffer): void {
    const end = decodeStatus(payload);
    if (end.kind === 'exit') {
      this.#inbox.end();
      this.#exit.resolve(end.status);
      this.#finish(new FsbError('internal', 'the core told the exit of a process that it had not started'));
    } else if (end.kind === 'error') this.#finish(end.error);
    else throw malformed('the end of a process without its exit');
  }

  /** What is settled already stays as it is. */
  #finish(error: FsbError): void {
    this.#ended = true;
    this.#inbox.end(error);
    this.#exit.reject(error);
    this.#start.reject(error);
    this.#roomForInput?.();
  }

  async #write(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length && !this.#ended; at += PIECE) {
      const frame = encodeFrame(channels.stdin, data.subarray(at, at + PIECE));
      this.#sent += frame.length;
      this.#socket?.send(frame);
      while (this.#sent - this.#acknowledged > INPUT_WINDOW && !this.#ended) await this.#room();
    }
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#roomForInput = resolve;
    });
  }
}
