import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  decodeExit,
  decodeKnown,
  encodeFrame,
  encodeSpawn,
  offsetOf,
  type RawExit,
  type RawFrame,
  type RawKnown,
  type RawSpawn,
  takeFrames,
  type,
  u8,
  u16,
  u64,
} from '../guest/raw-frames.ts';

/** One stream as it arrives: gaps and repetitions are counted as faults. */
export class RawStream {
  chunks: Buffer[] = [];
  next = 0;
  faults = 0;
  onData: ((data: Buffer) => void) | null = null;

  constructor(from = 0) {
    this.next = from;
  }

  take(offset: number, data: Buffer): void {
    if (offset !== this.next) this.faults++;
    this.next = offset + data.length;
    if (this.onData) this.onData(data);
    else this.chunks.push(data);
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

interface Waiter {
  matches: (frame: RawFrame) => boolean;
  resolve: (frame: RawFrame) => void;
}

/** The core's end of the guest channel, as plain as possible. */
export class RawCore {
  readonly closed: Promise<void>;
  known: RawKnown[] = [];
  /** Whether output is acknowledged as it comes. */
  autoAck = true;
  private readonly streams = new Map<string, RawStream>();
  private readonly unclaimed: RawFrame[] = [];
  private waiters: Waiter[] = [];
  private checks = new Set<() => void>();
  private buffered: Buffer[] = [];
  private bufferedBytes = 0;
  private nextId = 1000;
  private readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => {});
    socket.on('data', (data) => this.receive(data));
  }

  static async open(path: string): Promise<RawCore> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new RawCore(socket);
  }

  async hello(secret: Buffer = Buffer.alloc(0)): Promise<this> {
    this.sendFrame(type.HELLO, 0, u16(1), u8(secret.length), secret);
    await this.frame(type.READY);
    return this;
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  sendFrame(frameType: number, process: number, ...parts: Buffer[]): void {
    this.send(encodeFrame(frameType, process, ...parts));
  }

  /** The next frame of this type (and process), which nobody asked for yet. */
  frame(frameType: number, process?: number): Promise<RawFrame> {
    const matches = (frame: RawFrame) =>
      frame.type === frameType && (process === undefined || frame.process === process);
    const index = this.unclaimed.findIndex(matches);
    if (index >= 0) return Promise.resolve(this.unclaimed.splice(index, 1)[0]!);
    return new Promise((resolve) => this.waiters.push({ matches, resolve }));
  }

  /** Frames of this type that came and nobody asked for. */
  unasked(frameType: number): RawFrame[] {
    return this.unclaimed.filter((frame) => frame.type === frameType);
  }

  stream(process: number, name: 'stdout' | 'stderr' = 'stdout'): RawStream {
    const key = `${process}/${name}`;
    let stream = this.streams.get(key);
    if (!stream) {
      stream = new RawStream();
      this.streams.set(key, stream);
    }
    return stream;
  }

  /** Resolves when the condition holds; it is looked at after every packet. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => {
      const check = () => {
        if (!condition()) return;
        this.checks.delete(check);
        resolve();
      };
      this.checks.add(check);
    });
  }

  /** Answers when the guest has handled everything sent before. */
  async ping(): Promise<void> {
    this.sendFrame(type.PING, 0, u64(7));
    await this.frame(type.PONG);
  }

  /** `times`: nanoseconds of the guest's steps, when it tells. */
  async spawn(spawn: RawSpawn, id = this.nextId++): Promise<{ id: number; pid: number; times: number[] }> {
    this.send(encodeSpawn(id, spawn));
    const { payload } = await this.frame(type.SPAWNED, id);
    const times: number[] = [];
    for (let at = 4; at < payload.length; at += 8) times.push(Number(payload.readBigUInt64LE(at)));
    return { id, pid: payload.readInt32LE(0), times };
  }

  async spawnFails(spawn: RawSpawn, id = this.nextId++): Promise<RawFrame> {
    this.send(encodeSpawn(id, spawn));
    return await this.frame(type.SPAWN_FAILED, id);
  }

  /** Waits for the exit and for every byte of its totals. */
  async exit(id: number): Promise<RawExit> {
    const exit = decodeExit(await this.frame(type.EXIT, id));
    await this.until(
      () =>
        this.stream(id, 'stdout').next >= exit.stdoutTotal &&
        this.stream(id, 'stderr').next >= exit.stderrTotal,
    );
    return exit;
  }

  async run(spawn: RawSpawn): Promise<RawExit & { stdout: string; stderr: string; faults: number }> {
    const { id } = await this.spawn(spawn);
    const exit = await this.exit(id);
    this.sendFrame(type.EXIT_ACK, id);
    const [stdout, stderr] = [this.stream(id, 'stdout'), this.stream(id, 'stderr')];
    return { ...exit, stdout: stdout.text, stderr: stderr.text, faults: stdout.faults + stderr.faults };
  }

  ack(id: number, stream: 1 | 2, offset: number): void {
    this.sendFrame(type.ACK, id, u8(stream), u64(offset));
  }

  resume(id: number, stdout: number, stderr = 0): void {
    this.streams.set(`${id}/stdout`, new RawStream(stdout));
    this.streams.set(`${id}/stderr`, new RawStream(stderr));
    this.sendFrame(type.RESUME, id, u64(stdout), u64(stderr));
  }

  stdin(id: number, offset: number, data: string | Buffer): void {
    this.sendFrame(type.STDIN, id, u64(offset), Buffer.from(data));
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  private receive(data: Buffer): void {
    this.buffered.push(data);
    this.bufferedBytes += data.length;
    const head = this.buffered[0]!;
    // Joining for each packet of a large frame would copy it again and again.
    if (head.length >= 4 && this.bufferedBytes < 4 + head.readUInt32LE(0)) return;
    const rest = takeFrames(Buffer.concat(this.buffered), (frame) => this.handle(frame));
    this.buffered = rest.length > 0 ? [rest] : [];
    this.bufferedBytes = rest.length;
    for (const check of this.checks) check();
  }

  private handle(frame: RawFrame): void {
    if (frame.type === type.STDOUT || frame.type === type.STDERR) {
      const stream = this.stream(frame.process, frame.type === type.STDOUT ? 'stdout' : 'stderr');
      stream.take(offsetOf(frame), Buffer.from(frame.payload.subarray(8)));
      if (this.autoAck) this.ack(frame.process, frame.type === type.STDOUT ? 1 : 2, stream.next);
      return;
    }
    if (frame.type === type.PROCESS) this.known.push(decodeKnown(frame));
    const index = this.waiters.findIndex((waiter) => waiter.matches(frame));
    if (index >= 0) this.waiters.splice(index, 1)[0]!.resolve(frame);
    else this.unclaimed.push({ ...frame, payload: Buffer.from(frame.payload) });
  }
}
