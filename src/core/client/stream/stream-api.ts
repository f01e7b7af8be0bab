import type { PoolRunRequest } from '../../api/pool-api.ts';
import type { AttachRequest, CallOptions, ExecRequest } from '../../api/sandbox-api.ts';
import { withEither } from '../../model/async/either-signal.ts';
import { noop } from '../../model/async/noop.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import { DEFAULT_NAMESPACE } from '../../model/ids.ts';
import type { LogEntry, LogQuery } from '../../model/logs.ts';
import type { ProcessSession } from '../../model/process.ts';
import type { SandboxRef } from '../../model/sandbox/sandbox.ts';
import { traced } from '../../model/trace.ts';
import { execToTransport } from '../../wire/stream/exec-request.ts';
import { channels, encodeJson, LONGEST_INPUT_FRAME } from '../../wire/stream/frames.ts';
import { runToTransport } from '../../wire/stream/run-request.ts';
import { attachToQuery, logsToQuery } from '../../wire/stream/stream-query.ts';
import type { Transport } from '../../wire/stream/transport.ts';
import type { Absence } from '../absence.ts';
import type { Target } from '../security.ts';
import { isRefused, wasReached } from '../unreachable.ts';
import { CarriedSession } from './carried-session.ts';
import type { FrameSocket, SocketEvents } from './frame-socket.ts';
import { CLIENT_WINDOW } from './inbox.ts';
import { LinkedSocket } from './linked-socket.ts';
import { openSocket } from './open-socket.ts';
import { type OpenLog, readLog } from './read-log.ts';
import { RemoteSession } from './remote-session.ts';

/** Milliseconds for a core to say where its streams are, which it does at once; what broke the log may hold that up, too. */
const LOOK_MS = 3_000;

type WhereNow = (options: CallOptions) => Promise<Target>;

interface ProcessTerms {
  /** What to tell the user when the connection is lost before the process has ended. */
  hint: string;
  /** Whether it goes on over another connection when one breaks: not what ends with its caller. */
  linked: boolean;
  /** It goes on over the next core as well, whatever it was told before. */
  carried?: boolean;
}

const livesOn = ({ namespace, name }: SandboxRef, command: 'get' | 'top'): string =>
  `It may still be running: look with \`fsb-ctl ${command} ${namespace === DEFAULT_NAMESPACE ? '' : `-n ${namespace} `}${name}\`.`;

/** Everything of a core that streams: one WebSocket each, no other connection. */
export class StreamApi {
  #endpoint: Target;
  readonly #whereNow: WhereNow | undefined;
  readonly #absence: Absence | undefined;
  readonly #sockets = new Set<FrameSocket>();
  readonly #linked = new Set<LinkedSocket>();
  readonly #carried = new Set<CarriedSession>();

  /**
   * @param whereNow asks where streams are now; left out: always there
   * @param absence watches what goes on with the next core
   */
  constructor(endpoint: Target, whereNow?: WhereNow, absence?: Absence) {
    this.#endpoint = endpoint;
    this.#whereNow = whereNow;
    this.#absence = absence;
  }

  exec(ref: SandboxRef, request: ExecRequest, options?: CallOptions): Promise<ProcessSession> {
    const terms = { hint: livesOn(ref, 'top'), linked: !request.guestTool };
    return this.process(`${sandboxPath(ref)}/exec`, execToTransport(request), terms, options);
  }

  /** It goes on over the next core, unless it may take more input. */
  async attach(
    ref: SandboxRef,
    request: AttachRequest,
    { signal }: CallOptions = {},
  ): Promise<ProcessSession> {
    const terms = { hint: livesOn(ref, 'get'), linked: true, carried: !request.stdin };
    const join = (wanted: AttachRequest, stop?: AbortSignal): Promise<RemoteSession> =>
      this.process(`${sandboxPath(ref)}/attach`, { query: attachToQuery(wanted) }, terms, { signal: stop });
    const session = await join(request, signal);
    const again = async (wanted: AttachRequest, stop: AbortSignal): Promise<RemoteSession> => {
      await this.#lookAgain(stop);
      return join(wanted, stop);
    };
    const whole = new CarriedSession(session, request, this.#absence?.watch(again) ?? again);
    this.#carried.add(whole);
    whole.exited.catch(noop).finally(() => this.#carried.delete(whole));
    return whole;
  }

  run(request: PoolRunRequest, options?: CallOptions): Promise<ProcessSession> {
    const hint = 'It was ended, or will be as soon as the core sees that nobody waits for it.';
    const terms = { hint, linked: false };
    return this.process(pathOf('pools', request.pool, 'run'), runToTransport(request), terms, options);
  }

  execInLease(lease: string, request: ExecRequest, options?: CallOptions): Promise<ProcessSession> {
    const hint = 'It may still be running; `fsb-ctl pool release` ends it.';
    const terms = { hint, linked: !request.guestTool };
    return this.process(pathOf('leases', lease, 'exec'), execToTransport(request), terms, options);
  }

  logs(ref: SandboxRef, query: LogQuery, options?: CallOptions): AsyncGenerator<LogEntry> {
    return this.log(`${sandboxPath(ref)}/logs`, query, options);
  }

  /** The log at a path. */
  log(path: string, query: LogQuery, options: CallOptions = {}): AsyncGenerator<LogEntry> {
    const open: OpenLog = (wanted, events, signal) => this.#open(path, logsToQuery(wanted), events, signal);
    const watched = this.#absence?.watch(open) ?? open;
    return readLog({ open: watched, lookAgain: (signal) => this.#lookAgain(signal) }, query, options);
  }

  /** The next core may listen at another port. While there is none, nobody can tell. */
  async #lookAgain(caller?: AbortSignal): Promise<void> {
    const whereNow = this.#whereNow;
    if (whereNow === undefined) return;
    const found = await withEither(caller, AbortSignal.timeout(LOOK_MS), (signal) =>
      whereNow({ signal }).catch(() => undefined),
    );
    if (found !== undefined) this.#endpoint = found;
  }

  close(): void {
    // First, so that none of them takes a connection that ends here for one that broke.
    for (const session of this.#carried) session.stop();
    for (const socket of this.#linked) socket.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** @throws the core's error, unavailable, the signal's reason */
  process(
    path: string,
    transport: Transport,
    terms: ProcessTerms,
    options?: CallOptions,
  ): Promise<RemoteSession> {
    const name = `stream ${path.slice(path.lastIndexOf('/') + 1)}`;
    return traced(name, () => this.#begin(path, transport, terms, options), { kind: 'client' });
  }

  async #begin(
    path: string,
    { query, frame }: Transport,
    { hint, linked, carried = false }: ProcessTerms,
    { signal }: CallOptions = {},
  ): Promise<RemoteSession> {
    const first = frame === undefined ? undefined : firstFrame(frame);
    const session = new RemoteSession(hint);
    const socket = await (linked
      ? this.#openLinked(path, query, session, carried, signal)
      : this.#open(path, query, session, signal));
    session.use(socket);
    const abort = (): void => socket.destroy();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      throwIfAborted(signal);
      if (first !== undefined) socket.send(first);
      await session.started;
      return session;
    } catch (error) {
      socket.destroy();
      throw signal?.aborted ? FsbError.from(signal.reason) : error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  async #openLinked(
    path: string,
    query: string,
    events: SocketEvents,
    carried: boolean,
    signal?: AbortSignal,
  ): Promise<FrameSocket> {
    let socket: LinkedSocket | undefined;
    const tracked: SocketEvents = {
      onFrame: (frame) => events.onFrame(frame),
      onEnd: (error, broken) => {
        if (socket !== undefined) this.#linked.delete(socket);
        events.onEnd(error, broken);
      },
    };
    const open = this.#open.bind(this);
    // Where nobody listens on a unix socket any more, the core has gone, and what it held with it. Over TCP it may be that
    // something in between has gone: what the next core can tell need not wait for that.
    const mayComeBack = (error: FsbError): boolean =>
      error.code === 'unavailable' &&
      (wasReached(error) || (this.#endpoint.kind === 'tcp' && !(carried && isRefused(error))));
    const options = { open, path, query, events: tracked, wasBroken: wasReached, mayComeBack };
    socket = await LinkedSocket.open(options, signal);
    this.#linked.add(socket);
    return socket;
  }

  async #open(
    path: string,
    query: string,
    events: SocketEvents,
    signal?: AbortSignal,
  ): Promise<FrameSocket & AsyncDisposable> {
    let socket: FrameSocket | undefined;
    const tracked: SocketEvents = {
      onFrame: (frame) => events.onFrame(frame),
      onEnd: (error, broken) => {
        if (socket !== undefined) this.#sockets.delete(socket);
        events.onEnd(error, broken);
      },
    };
    const whole = `${path}?${query}${query === '' ? '' : '&'}window=${CLIENT_WINDOW}`;
    const opened = await openSocket(this.#endpoint, whole, tracked, signal);
    socket = opened;
    this.#sockets.add(opened);
    return Object.assign(opened, { [Symbol.asyncDispose]: () => opened.close() });
  }
}

export const pathOf = (...parts: string[]): string => `/api/v1/${parts.map(encodeURIComponent).join('/')}`;
const sandboxPath = ({ namespace, name }: SandboxRef): string => pathOf('sandboxes', namespace, name);

/** @throws invalid_argument */
function firstFrame(request: object): Buffer {
  const frame = encodeJson(channels.request, request);
  if (frame.length <= LONGEST_INPUT_FRAME) return frame;
  throw new FsbError('invalid_argument', 'the command and its environment are too long', {
    hint: 'Together they may have a little less than 1 MiB; send data through stdin.',
  });
}
