import { constants } from 'node:os';
import { FsbError } from '../../model/failure/errors.ts';
import type { ProcessSpec, StreamName } from '../../model/process.ts';
import { sampledSpan } from '../../model/trace.ts';
import type { GuestConnection } from '../connection.ts';
import type { KnownProcess } from '../guest-channel.ts';
import type { GuestFrame, ProcessFrame, SpawnedFrame, SpawnFailedFrame } from '../protocol/frames.ts';
import { signalScopes } from '../protocol/frames.ts';
import { ProtocolError } from '../protocol/protocol-error.ts';
import { encodeSpawnRequest } from '../protocol/spawn-request.ts';
import { ChannelProcess } from './channel-process.ts';
import { KnownProcesses } from './known-processes.ts';
import { abandonOnAbort, guestSteps, type PendingSpawn } from './pending-spawn.ts';
import type { Remainders } from './remainders.ts';
import { spawnError } from './spawn-error.ts';

const LARGEST_ID = 0xffff_ffff;

export interface ProcessTableOptions {
  /** Bytes of each process. */
  windows: { outputWindow: number; inputWindow: number };
  /** It may be asked for the times of its steps. */
  tellsTimes: boolean;
  /** What the guest had when the channel was opened. */
  known: ProcessFrame[];
  connection: Pick<GuestConnection, 'send' | 'sendEncoded'>;
  remainders: Pick<Remainders, 'watch' | 'stop'>;
}

/** The processes of a guest as one channel sees them, by id; it knows which frames the guest may send about each. */
export class ProcessTable {
  readonly #options: ProcessTableOptions;
  readonly #known: KnownProcesses;
  readonly #processes = new Map<number, ChannelProcess>();
  readonly #spawning = new Map<number, PendingSpawn>();
  /** Frames about a process that was forgotten may still be under way; ids up to here have been used. */
  #highestId = 0;
  #scrubbing: { resolve(): void; reject(error: Error): void }[] = [];

  constructor(options: ProcessTableOptions) {
    this.#options = options;
    this.#known = new KnownProcesses(options.known);
  }

  get known(): readonly KnownProcess[] {
    return this.#known.all;
  }

  spawn(id: number, spec: ProcessSpec, signal?: AbortSignal): Promise<ChannelProcess> {
    this.#assertFree(id);
    const span = this.#options.tellsTimes ? sampledSpan() : undefined;
    const request = encodeSpawnRequest(id, spec, span !== undefined);
    return new Promise((resolve, reject) => {
      const pending: PendingSpawn = { spec, resolve, reject, abandoned: false, span };
      this.#spawning.set(id, pending);
      this.#highestId = Math.max(this.#highestId, id);
      if (signal) abandonOnAbort(pending, signal);
      this.#options.connection.sendEncoded(request);
    });
  }

  resume(id: number, from: Record<StreamName, number>): ChannelProcess {
    if (this.#processes.has(id)) throw new FsbError('conflict', `process ${id} of the guest is already held`);
    const { frame, failure } = this.#known.take(id, from);
    const process = this.#hold(id, frame.pid, from, {
      open: frame.stdinOpen,
      sent: frame.stdinReceived,
      // The least it can be; the STDIN_ACK that answers RESUME tells how much really reached the process.
      acknowledged: Math.max(0, frame.stdinReceived - this.#options.windows.inputWindow),
    });
    // A process that never started is forgotten by the guest: to resume it would be an error.
    if (failure) this.#failed(process, failure);
    else this.#options.connection.send({ type: 'RESUME', process: id, ...from });
    return process;
  }

  /** SIGKILL to everything; resolves when every process that the core ever started there is gone and forgotten. */
  scrub(): Promise<void> {
    for (const { id, retained } of this.#known.untaken()) this.resume(id, retained);
    for (const pending of this.#spawning.values()) {
      pending.abandoned = true;
      pending.reject(new FsbError('cancelled', 'everything in the guest is killed'));
    }
    const everything = { type: 'SIGNAL', process: 0, scope: signalScopes.everyone } as const;
    this.#options.connection.send({ ...everything, number: constants.signals.SIGKILL });
    for (const process of [...this.#processes.values()]) process.abandon();
    if (this.#isEmpty) return Promise.resolve();
    return new Promise((resolve, reject) => this.#scrubbing.push({ resolve, reject }));
  }

  /** The channel is gone. */
  lose(reason: FsbError): void {
    for (const { reject } of [...this.#spawning.values(), ...this.#scrubbing]) reject(reason);
    for (const process of this.#processes.values()) process.lose(reason);
    this.#spawning.clear();
    this.#processes.clear();
    this.#scrubbing = [];
    this.#options.remainders.stop();
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
        this.#spawned(frame);
        break;
      case 'SPAWN_FAILED':
        this.#spawnFailed(frame);
        break;
      default:
        throw new ProtocolError('malformed', `${frame.type} after the handshake`);
    }
  }

  get #isEmpty(): boolean {
    return this.#processes.size === 0 && this.#spawning.size === 0;
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
    const { windows, connection, remainders } = this.#options;
    const process = new ChannelProcess({
      id,
      pid,
      from,
      input,
      outputWindow: windows.outputWindow,
      inputWindow: windows.inputWindow,
      send: (frame) => connection.send(frame),
      onOwed: (output) => remainders.watch(output),
      onForgotten: () => this.#gone(id),
    });
    this.#processes.set(id, process);
    this.#highestId = Math.max(this.#highestId, id);
    return process;
  }

  #spawned({ process: id, pid, times }: SpawnedFrame): void {
    const pending = this.#takeSpawning(id, 'SPAWNED');
    const open = pending.spec.stdin || pending.spec.tty;
    const input = { open, sent: 0, acknowledged: 0 };
    const process = this.#hold(id, pid, { stdout: 0, stderr: 0 }, input);
    if (pending.abandoned) {
      process.abandon();
      return;
    }
    if (times) pending.span?.addGuestSteps(guestSteps(times));
    pending.resolve(process);
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
    reject(spawnError(spec.title ?? spec.argv[0] ?? '', frame));
    this.#tellScrubbing();
  }

  #failed(process: ChannelProcess, frame: SpawnFailedFrame): void {
    process.lose(spawnError(`process ${process.id}`, frame));
    this.#gone(process.id);
  }

  #gone(id: number): void {
    this.#processes.delete(id);
    this.#tellScrubbing();
  }

  #tellScrubbing(): void {
    if (this.#scrubbing.length > 0 && this.#isEmpty)
      for (const { resolve } of this.#scrubbing.splice(0)) resolve();
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
