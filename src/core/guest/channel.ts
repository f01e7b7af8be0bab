import type { Clock } from '../model/clock.ts';
import { FsbError, throwIfAborted } from '../model/errors.ts';
import type { ProcessSpec, StreamName } from '../model/process.ts';
import type { FrameReceiver, GuestConnection } from './connection.ts';
import type { GuestChannel, KnownProcess } from './guest-channel.ts';
import { refusal, type Welcome } from './handshake.ts';
import { LazyMap } from './lazy-map.ts';
import { Pings } from './pings.ts';
import { ChannelProcess } from './process/channel-process.ts';
import { KnownProcesses } from './process/known-processes.ts';
import { spawnError } from './process/spawn-error.ts';
import { type GuestFrame, type SpawnFailedFrame, signalScopes } from './protocol/frames.ts';
import { ProtocolError } from './protocol/protocol-error.ts';
import { encodeSpawnRequest } from './protocol/spawn-request.ts';

/** Milliseconds until a guest that does not read is cut off when the core lets go. */
const CLOSE_LIMIT = 1_000;
const LARGEST_ID = 0xffff_ffff;

interface PendingSpawn {
  spec: ProcessSpec;
  resolve(process: ChannelProcess): void;
  reject(error: Error): void;
  /** Nobody waits for it any longer: what starts is killed. */
  abandoned: boolean;
}

/** The core's end of an open channel: it knows which process each frame is for, and whether the guest may send it. */
export class Channel implements GuestChannel, FrameReceiver {
  readonly closed: Promise<Error>;
  readonly #connection: GuestConnection;
  readonly #clock: Clock;
  readonly #windows: { outputWindow: number; inputWindow: number };
  readonly #known: KnownProcesses;
  readonly #processes = new LazyMap<number, ChannelProcess>();
  readonly #spawning = new LazyMap<number, PendingSpawn>();
  readonly #pings: Pings;
  /** Frames about a process that was forgotten may still be under way; ids up to here have been used. */
  #highestId = 0;
  #gone: FsbError | undefined;
  #settleClosed!: (reason: Error) => void;

  constructor(connection: GuestConnection, welcome: Welcome, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
    this.#windows = { outputWindow: welcome.outputWindow, inputWindow: welcome.inputWindow };
    this.#known = new KnownProcesses(welcome.processes);
    this.#pings = new Pings(clock, (token) => connection.send({ type: 'PING', process: 0, token }));
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    connection.receiver = this;
  }

  get known(): readonly KnownProcess[] {
    return this.#known.all;
  }

  async spawn(id: number, spec: ProcessSpec, signal?: AbortSignal): Promise<ChannelProcess> {
    throwIfAborted(signal);
    if (this.#gone) throw this.#gone;
    this.#assertFree(id);
    const request = encodeSpawnRequest(id, spec);
    return new Promise((resolve, reject) => {
      const pending: PendingSpawn = { spec, resolve, reject, abandoned: false };
      this.#spawning.set(id, pending);
      this.#highestId = Math.max(this.#highestId, id);
      if (signal) abandonOnAbort(pending, signal);
      this.#connection.sendEncoded(request);
    });
  }

  resume(id: number, from: Record<StreamName, number>): ChannelProcess {
    if (this.#gone) throw this.#gone;
    if (this.#processes.has(id)) throw new FsbError('conflict', `process ${id} of the guest is already held`);
    const { frame, failure } = this.#known.take(id, from);
    const process = this.#hold(id, frame.pid, from, {
      open: frame.stdinOpen,
      sent: frame.stdinReceived,
      // The least it can be; the STDIN_ACK that answers RESUME tells how much really reached the process.
      acknowledged: Math.max(0, frame.stdinReceived - this.#windows.inputWindow),
    });
    // A process that never started is forgotten by the guest: to resume it would be an error.
    if (failure) this.#failed(process, failure);
    else this.#connection.send({ type: 'RESUME', process: id, ...from });
    return process;
  }

  ping(timeoutMs: number): Promise<void> {
    return this.#gone ? Promise.reject(this.#gone) : this.#pings.ping(timeoutMs);
  }

  signalAll(signal: number): void {
    if (!Number.isInteger(signal) || signal < 1 || signal > 64)
      throw new FsbError('invalid_argument', `there is no signal ${signal}`);
    this.#connection.send({ type: 'SIGNAL', process: 0, number: signal, scope: signalScopes.everyone });
  }

  async close(): Promise<void> {
    this.#connection.finish(new FsbError('unavailable', 'the core let go of the guest'));
    let stopTimer = (): void => undefined;
    const cut = new Promise<void>((resolve) => {
      stopTimer = this.#clock.after(CLOSE_LIMIT, resolve);
    });
    await this.#connection.released(cut).finally(stopTimer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  onGone(reason: Error): void {
    const letGo = reason instanceof FsbError && reason.code === 'unavailable';
    const gone = letGo
      ? reason
      : new FsbError('run_failed', `the channel to the guest is lost: ${reason.message}`, { cause: reason });
    this.#gone = gone;
    for (const { reject } of this.#spawning.values()) reject(gone);
    for (const process of this.#processes.values()) process.lose(gone);
    this.#spawning.clear();
    this.#processes.clear();
    this.#pings.fail(gone);
    this.#settleClosed(reason);
  }

  /** @throws ProtocolError for what the guest may not send now */
  onFrame(frame: GuestFrame): void {
    switch (frame.type) {
      case 'STDOUT':
        this.#held(frame)?.onOutput('stdout', frame.offset, frame.data);
        break;
      case 'STDERR':
        this.#held(frame)?.onOutput('stderr', frame.offset, frame.data);
        break;
      case 'STDIN_ACK':
        this.#held(frame)?.onInputAcknowledged(frame.offset);
        break;
      case 'STDIN_CLOSED':
        this.#held(frame)?.onInputClosed();
        break;
      case 'EXIT':
        this.#mustHold(frame).onExit(frame);
        break;
      case 'SPAWNED':
        this.#spawned(frame.process, frame.pid);
        break;
      case 'SPAWN_FAILED':
        this.#spawnFailed(frame);
        break;
      case 'PONG':
        this.#pings.answered(frame.token);
        break;
      case 'ERROR':
        throw refusal(frame);
      default:
        throw new ProtocolError('malformed', `${frame.type} after the handshake`);
    }
  }

  /** Undefined for one that the core has let the guest forget: what was under way then is dropped. */
  #held(frame: GuestFrame): ChannelProcess | undefined {
    const process = this.#processes.get(frame.process);
    if (process) return process;
    const known = this.#spawning.has(frame.process) || this.#known.has(frame.process);
    if (known || frame.process > this.#highestId) return this.#mustHold(frame);
    return undefined;
  }

  #mustHold(frame: GuestFrame): ChannelProcess {
    const process = this.#processes.get(frame.process);
    if (process) return process;
    throw new ProtocolError(
      'unknownProcess',
      `${frame.type} of process ${frame.process}, which does not run`,
    );
  }

  #hold(
    id: number,
    pid: number,
    from: Record<StreamName, number>,
    input: { open: boolean; sent: number; acknowledged: number },
  ): ChannelProcess {
    const process = new ChannelProcess({
      id,
      pid,
      from,
      input,
      ...this.#windows,
      send: (frame) => this.#connection.send(frame),
      onForgotten: () => this.#processes.delete(id),
    });
    this.#processes.set(id, process);
    this.#highestId = Math.max(this.#highestId, id);
    return process;
  }

  #spawned(id: number, pid: number): void {
    const pending = this.#takeSpawning(id, 'SPAWNED');
    const open = pending.spec.stdin || pending.spec.tty;
    const input = { open, sent: 0, acknowledged: 0 };
    const process = this.#hold(id, pid, { stdout: 0, stderr: 0 }, input);
    if (pending.abandoned) process.abandon();
    else pending.resolve(process);
  }

  #spawnFailed(frame: SpawnFailedFrame): void {
    const id = frame.process;
    if (this.#known.fail(id, frame)) return;
    const process = this.#processes.get(id);
    if (process) {
      this.#failed(process, frame);
      return;
    }
    const { spec, reject } = this.#takeSpawning(id, 'SPAWN_FAILED');
    reject(spawnError(spec.argv[0] ?? '', frame));
  }

  #failed(process: ChannelProcess, frame: SpawnFailedFrame): void {
    this.#processes.delete(process.id);
    process.lose(spawnError(`process ${process.id}`, frame));
  }

  #takeSpawning(id: number, type: string): PendingSpawn {
    const pending = this.#spawning.get(id);
    if (!pending)
      throw new ProtocolError('unknownProcess', `${type} of process ${id}, which nobody asked for`);
    this.#spawning.delete(id);
    return pending;
  }

  #assertFree(id: number): void {
    if (!Number.isInteger(id) || id < 1 || id > LARGEST_ID)
      throw new FsbError('internal', `${id} cannot be the id of a process`);
    if (this.#processes.has(id) || this.#spawning.has(id) || this.#known.has(id))
      throw new FsbError('conflict', `process ${id} of the guest exists already`);
  }
}

function abandonOnAbort(pending: PendingSpawn, signal: AbortSignal): void {
  const { resolve, reject } = pending;
  const abandon = (): void => {
    pending.abandoned = true;
    reject(FsbError.from(signal.reason));
  };
  signal.addEventListener('abort', abandon, { once: true });
  pending.resolve = (process) => {
    signal.removeEventListener('abort', abandon);
    resolve(process);
  };
  pending.reject = (error) => {
    signal.removeEventListener('abort', abandon);
    reject(error);
  };
}
