import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeCoreFrame } from '../../../src/core/guest/protocol/core-frames.ts';
import { FrameDecoder } from '../../../src/core/guest/protocol/frame-decoder.ts';
import {
  type CoreFrame,
  type ExitFrame,
  type GuestFrame,
  LONGEST_FROM_CORE,
  PROTOCOL_VERSION,
  type ProcessFrame,
} from '../../../src/core/guest/protocol/frames.ts';
import { encodeGuestFrame } from '../../../src/core/guest/protocol/guest-frames.ts';

export const OUTPUT_WINDOW = 262_144;
export const INPUT_WINDOW = 65_536;

export interface ScriptedGuestOptions {
  /** What it speaks. As all that speak no other, one of version 1 refuses any other HELLO. */
  version?: number;
  /** What it answers to HELLO, instead of a proper handshake. */
  greeting?: GuestFrame[];
  /** What it lists in a proper handshake. */
  processes?: ProcessFrame[];
  /** It answers to PING by itself. */
  pongs?: boolean;
}

/** A guest that says what the test tells it to say, on a real socket: for everything that fsb-init would never do. */
export class ScriptedGuest implements AsyncDisposable {
  readonly path: string;
  readonly received: CoreFrame[] = [];
  readonly #directory = mkdtempSync(join(tmpdir(), 'fsb-scripted-'));
  readonly #server: Server;
  readonly #version: number;
  readonly #greeting: GuestFrame[];
  readonly #pongs: boolean;
  #socket: Socket | undefined;
  #watchers: (() => void)[] = [];

  private constructor(options: ScriptedGuestOptions) {
    this.path = join(this.#directory, 'guest.sock');
    this.#pongs = options.pongs ?? false;
    const version = options.version ?? PROTOCOL_VERSION;
    this.#version = version;
    this.#greeting = options.greeting ?? [
      { type: 'WELCOME', process: 0, version, outputWindow: OUTPUT_WINDOW, inputWindow: INPUT_WINDOW },
      ...(options.processes ?? []),
      { type: 'READY', process: 0 },
    ];
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async start(options: ScriptedGuestOptions = {}): Promise<ScriptedGuest> {
    const guest = new ScriptedGuest(options);
    await new Promise<void>((resolve) => guest.#server.listen(guest.path, resolve));
    return guest;
  }

  send(...frames: GuestFrame[]): void {
    this.sendRaw(Buffer.concat(frames.map(encodeGuestFrame)));
  }

  sendRaw(bytes: Buffer): void {
    this.#socket?.write(bytes);
  }

  hangUp(): void {
    this.#socket?.destroy();
  }

  /** Hangs up when everything was sent. */
  endWriting(): void {
    this.#socket?.end();
  }

  /** Stops reading: what the core sends stays in its own memory. */
  goDeaf(): void {
    this.#socket?.pause();
  }

  ofType<T extends CoreFrame['type']>(type: T): Extract<CoreFrame, { type: T }>[] {
    return this.received.filter((frame) => frame.type === type) as Extract<CoreFrame, { type: T }>[];
  }

  /** Resolves when the core has sent so many frames of this type in all. */
  async heard(type: CoreFrame['type'], count = 1): Promise<void> {
    while (this.ofType(type).length < count)
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket?.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #greet(version: number): void {
    if (this.#version > 1 || version === 1) {
      this.send(...this.#greeting);
      return;
    }
    this.send({ type: 'ERROR', process: 0, code: 2, message: 'this guest speaks version 1 only' });
    this.endWriting();
  }

  #accept(socket: Socket): void {
    this.#socket = socket;
    const decoder = new FrameDecoder(LONGEST_FROM_CORE, (...parts) => {
      const frame = decodeCoreFrame(...parts);
      this.received.push(frame);
      if (frame.type === 'HELLO') this.#greet(frame.version);
      if (frame.type === 'PING' && this.#pongs) this.send({ type: 'PONG', process: 0, token: frame.token });
    });
    socket.on('data', (chunk: Buffer) => {
      decoder.feed(chunk);
      for (const wake of this.#watchers.splice(0)) wake();
    });
    socket.on('error', () => undefined);
  }
}

export const runningProcess = (process: number, more: Partial<ProcessFrame> = {}): ProcessFrame => ({
  type: 'PROCESS',
  process,
  exited: false,
  tty: false,
  stdinOpen: false,
  pid: process + 100,
  stdinReceived: 0,
  stdoutFirst: 0,
  stdoutProduced: 0,
  stderrFirst: 0,
  stderrProduced: 0,
  ...more,
});

export const exitOf = (process: number, more: Partial<ExitFrame> = {}): ExitFrame => ({
  type: 'EXIT',
  process,
  kind: 0,
  value: 0,
  coreDumped: false,
  stdoutTotal: 0,
  stderrTotal: 0,
  userMicroseconds: 0,
  systemMicroseconds: 0,
  peakKiB: 0,
  ...more,
});
