import { setTimeout as delay } from 'node:timers/promises';
import type { CallOptions, SandboxApi } from '../api/sandbox-api.ts';
import { FsbError, throwIfAborted } from '../model/errors.ts';
import type { LogEntry, LogQuery } from '../model/logs.ts';
import type { ProcessSession } from '../model/process.ts';
import type { SandboxRef } from '../model/sandbox.ts';
import type { Endpoint } from '../wire/endpoint.ts';
import { channels, encodeJson, LONGEST_INPUT_FRAME } from '../wire/stream/frames.ts';
import { attachToQuery, execToTransport, logsToQuery } from '../wire/stream/stream-query.ts';
import { type FrameSocket, openSocket, type SocketEvents } from './frame-socket.ts';
import { CLIENT_WINDOW } from './inbox.ts';
import { LogReader } from './log-reader.ts';
import { RemoteSession } from './remote-session.ts';

/** Pauses before a broken log is taken up again, milliseconds; an entry that comes starts them anew. */
const RESUME_PAUSES = [50, 200, 500, 1000, 2000];

/** Everything of a core that streams: one WebSocket each, no other connection. */
export class StreamApi implements Pick<SandboxApi, 'logs' | 'exec' | 'attach'> {
  readonly #endpoint: Endpoint;
  readonly #sockets = new Set<FrameSocket>();

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  async exec(ref: SandboxRef, ...[request, options]: Tail<SandboxApi['exec']>): Promise<ProcessSession> {
    const { query, frame } = execToTransport(request);
    const first = frame === undefined ? undefined : encodeJson(channels.request, frame);
    if (first !== undefined && first.length > LONGEST_INPUT_FRAME)
      throw new FsbError('invalid_argument', 'the command and its environment are too long', {
        hint: 'Together they may have a little less than 1 MiB; send data through stdin.',
      });
    return this.#process(ref, `exec?${query}`, first, options);
  }

  async attach(ref: SandboxRef, ...[request, options]: Tail<SandboxApi['attach']>): Promise<ProcessSession> {
    return this.#process(ref, `attach?${attachToQuery(request)}`, undefined, options);
  }

  async *logs(ref: SandboxRef, query: LogQuery, options: CallOptions = {}): AsyncGenerator<LogEntry> {
    let wanted = query;
    let failures = 0;
    let everOpened = false;
    for (;;) {
      const reader = new LogReader();
      try {
        await using socket = await this.#open(ref, `logs?${logsToQuery(wanted)}`, reader, options.signal);
        everOpened = true;
        reader.use(socket);
        for await (const entry of reader.entries(options.signal)) {
          failures = 0;
          wanted = { ...wanted, tail: undefined, afterSeq: entry.seq };
          yield entry;
        }
        return;
      } catch (thrown) {
        const error = FsbError.from(thrown);
        const pause = RESUME_PAUSES[failures];
        if (error.code !== 'unavailable' || !everOpened || pause === undefined) throw error;
        failures += 1;
        // A timer that keeps the process alive: nothing else does while there is no connection.
        await delay(pause, undefined, { signal: options.signal }).catch(() => throwIfAborted(options.signal));
      }
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #process(
    ref: SandboxRef,
    request: string,
    first: Buffer | undefined,
    { signal }: CallOptions = {},
  ): Promise<ProcessSession> {
    const session = new RemoteSession();
    const socket = await this.#open(ref, request, session, signal);
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

  async #open(
    { namespace, name }: SandboxRef,
    request: string,
    events: SocketEvents,
    signal?: AbortSignal,
  ): Promise<FrameSocket & AsyncDisposable> {
    const path = `/api/v1/sandboxes/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}/${request}`;
    let socket: FrameSocket | undefined;
    const tracked: SocketEvents = {
      onFrame: (frame) => events.onFrame(frame),
      onEnd: (error) => {
        if (socket !== undefined) this.#sockets.delete(socket);
        events.onEnd(error);
      },
    };
    const separator = request.endsWith('?') ? '' : '&';
    const opened = await openSocket(
      this.#endpoint,
      `${path}${separator}window=${CLIENT_WINDOW}`,
      tracked,
      signal,
    );
    socket = opened;
    this.#sockets.add(opened);
    return { ...opened, [Symbol.asyncDispose]: () => opened.close() };
  }
}

type Tail<F> = F extends (first: SandboxRef, ...rest: infer Rest) => unknown ? Rest : never;
