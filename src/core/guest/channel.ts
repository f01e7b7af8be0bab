import type { Clock } from '../model/clock.ts';
import { FsbError, throwIfAborted } from '../model/failure/errors.ts';
import type { ProcessSpec, StreamName } from '../model/process.ts';
import { traced } from '../model/trace.ts';
import { ChannelLost } from './channel-lost.ts';
import type { FrameReceiver, GuestConnection } from './connection.ts';
import { Ending } from './ending.ts';
import type { GuestChannel, KnownProcess } from './guest-channel.ts';
import { refusal, type Welcome } from './handshake.ts';
import { Pings } from './pings.ts';
import type { ChannelProcess } from './process/channel-process.ts';
import { ProcessTable } from './process/process-table.ts';
import { Remainders } from './process/remainders.ts';
import { type GuestFrame, signalScopes, VERSION_WITH_TIMES } from './protocol/frames.ts';

/** Milliseconds until a guest that does not read is cut off when the core lets go. */
const CLOSE_LIMIT = 1_000;

/** The core's end of an open channel. */
export class Channel implements GuestChannel, FrameReceiver {
  readonly #connection: GuestConnection;
  readonly #clock: Clock;
  readonly #welcome: Welcome;
  readonly #pings: Pings;
  #table: ProcessTable | undefined;
  #foretold: FsbError | undefined;
  #gone: FsbError | undefined;
  readonly #ending = new Ending();

  /** @throws ProtocolError when the guest lists a process twice */
  constructor(connection: GuestConnection, welcome: Welcome, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
    this.#welcome = welcome;
    this.#pings = new Pings(clock, connection);
    if (welcome.processes.length > 0) this.#table = this.#newTable();
    connection.receiver = this;
  }

  get closed(): Promise<Error> {
    return this.#ending.promise;
  }

  onClosed(listener: (reason: Error) => void): void {
    this.#ending.tell(listener);
  }

  get known(): readonly KnownProcess[] {
    return this.#table?.known ?? [];
  }

  async spawn(id: number, spec: ProcessSpec, signal?: AbortSignal): Promise<ChannelProcess> {
    throwIfAborted(signal);
    if (this.#gone) throw this.#gone;
    return traced('guest.spawn', () => this.#processes.spawn(id, spec, signal));
  }

  resume(id: number, from: Record<StreamName, number>): ChannelProcess {
    if (this.#gone) throw this.#gone;
    return this.#processes.resume(id, from);
  }

  scrub(): Promise<void> {
    return this.#gone ? Promise.reject(this.#gone) : this.#processes.scrub();
  }

  ping(timeoutMs: number): Promise<void> {
    return this.#gone ? Promise.reject(this.#gone) : this.#pings.ping(timeoutMs);
  }

  signalAll(signal: number): void {
    if (!Number.isInteger(signal) || signal < 1 || signal > 64)
      throw new FsbError('invalid_argument', `there is no signal ${signal}`);
    this.#connection.send({ type: 'SIGNAL', process: 0, number: signal, scope: signalScopes.everyone });
  }

  foretell(end: FsbError): void {
    this.#foretold ??= end;
  }

  async close(): Promise<void> {
    this.#connection.finish(this.#foretold ?? new FsbError('unavailable', 'the core let go of the guest'));
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
    const gone = letGo ? reason : (this.#foretold ?? new ChannelLost(reason));
    this.#gone = gone;
    this.#table?.lose(gone);
    this.#pings.fail(gone);
    this.#ending.happen(reason);
  }

  /** @throws ProtocolError for what the guest may not send now */
  onFrame(frame: GuestFrame): void {
    if (frame.type === 'PONG') this.#pings.answered(frame.token);
    else if (frame.type === 'ERROR') throw refusal(frame);
    else this.#processes.onFrame(frame);
  }

  /** Not there before it is needed: every warm instance has an idle channel, and most of it would be empty tables. */
  get #processes(): ProcessTable {
    this.#table ??= this.#newTable();
    return this.#table;
  }

  #newTable(): ProcessTable {
    return new ProcessTable({
      windows: this.#welcome,
      tellsTimes: this.#welcome.version >= VERSION_WITH_TIMES,
      known: this.#welcome.processes,
      connection: this.#connection,
      remainders: new Remainders(this.#clock, (timeoutMs) => this.ping(timeoutMs)),
    });
  }
}
