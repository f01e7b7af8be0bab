import { setMaxListeners } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { PoolApi } from '../api/pool-api.ts';
import type { Clock } from '../model/clock.ts';
import type { Descriptors } from '../model/failure/descriptors.ts';
import { FsbError, throwIfAborted } from '../model/failure/errors.ts';
import { traced } from '../model/trace.ts';
import { PoolServer } from '../tools/pool-server.ts';
import { FairTurns } from './auth/fair-turns.ts';
import { UnreadAnswers } from './auth/unread-answers.ts';
import { BodyRoom } from './body-room.ts';
import type { Door } from './door.ts';
import { openDoors, type Security } from './doors.ts';
import { type GrpcLimits, startGrpcServer } from './grpc/grpc-server.ts';
import { coreServices } from './grpc/services.ts';
import { visitOf } from './http/foreign-page.ts';
import { guarded, type Handle } from './http/guarded.ts';
import { holdWaiting } from './http/hold-waiting.ts';
import { type HttpListener, listenHttp, turnOf } from './http/http-server.ts';
import { logRoute } from './http/log-route.ts';
import { poolRoutes } from './http/pool-server/pool-routes.ts';
import { send, sendError, urlOf } from './http/respond.ts';
import { restRoutes } from './http/rest-routes.ts';
import { isRead, notHere, probe, route } from './http/router.ts';
import { rpcRoutes } from './http/rpc-routes.ts';
import { type CoreMetrics, createCoreMetrics } from './metrics/core-metrics.ts';
import { measuredCore } from './metrics/measured-core.ts';
import type { Served } from './served.ts';
import { streamServer } from './ws/stream-server.ts';

export interface ServerOptions {
  /** `unix:///path` or `host:port`; port 0 takes a free one. The caller holds the core's lock: a socket file that is there is stale. */
  grpc: string[];
  http: string[];
  /** `host:port`; left out: no metrics. */
  metrics?: string;
  /** What the core's pools report to; left out: they report to nobody. */
  coreMetrics?: CoreMetrics;
  /** Who may call over TCP besides the user of the core; left out: nobody. */
  security?: Security;
  /** True once recovery is done. */
  ready: () => boolean;
  /** As DoorsOptions. */
  isNetworkShared?: () => boolean;
  /** Of gRPC; left out: those that cores have. */
  limits?: GrpcLimits;
  /** As DoorsOptions. */
  mostWithStreams?: number;
  /** As StreamServerOptions. */
  streamMemory?: number;
  /** Left out: nobody watches them. */
  descriptors?: Descriptors;
  clock: Clock;
  log: Logger;
}

export interface Servers {
  /** Real addresses, with ports, in the order they were asked for. */
  grpc: string[];
  http: string[];
  /** Empty when off. */
  metrics: string;
  /**
   * Refuses new calls and streams, ends the streams and the waiting calls, gives the others `graceMs`, and the tools
   * that were cut as long again for their answer; removes the sockets. Idempotent.
   */
  close(graceMs: number): Promise<void>;
}

/**
 * @throws invalid_argument (address, a file), denied (others could reach it, or read a secret), unavailable (cannot
 *   listen); nothing is left listening then
 */
export async function startServers(served: Served, options: ServerOptions): Promise<Servers> {
  const { clock, log, descriptors, streamMemory } = options;
  const metrics = options.coreMetrics ?? createCoreMetrics(clock);
  const { traffic } = metrics;
  const core = measuredCore(served, metrics);
  const doors = openDoors(core, { ...options, traffic });
  const closing = new AbortController();
  // Every long call listens to it: many of them at once are no leak.
  setMaxListeners(0, closing.signal);
  const bodies = new BodyRoom();
  const streams = streamServer({
    traffic,
    clock,
    log,
    bodies,
    ...(descriptors === undefined ? {} : { descriptors }),
    ...(streamMemory === undefined ? {} : { memory: streamMemory }),
  });
  const poolServer = new PoolServer({ core, clock, log });
  const closers: Closer[] = [];
  const listeners: HttpListener[] = [];
  let closed: Promise<void> | undefined;
  const close = (graceMs: number): Promise<void> => {
    closing.abort(new FsbError('unavailable', 'the core is going away'));
    closed ??= Promise.all([
      ...closers.map((closer) => closer(graceMs)),
      closeHttp([streams.close, (ms) => poolServer.close(ms)], listeners, graceMs),
    ]).then(() => doors.close());
    return closed;
  };
  const keep = (listener: HttpListener): string => {
    listeners.push(listener);
    return listener.address;
  };
  try {
    await poolServer.start();
    const services = coreServices({
      hasAgent: served.agent !== undefined,
      ready: options.ready,
      closing: closing.signal,
    });
    const ready = (): boolean => options.ready() && !closing.signal.aborted;
    const answers = new UnreadAnswers(clock);
    const turns = new FairTurns(clock);
    const routes = [
      poolRoutes(poolServer, clock, bodies),
      rpcRoutes(services, { clock, bodies, answers }),
      logRoute(closing.signal, clock),
      restRoutes({ clock, bodies, answers, closing: closing.signal }),
    ];
    const handle: Handle = async (request, response, { gone, door, admitted }) => {
      if (descriptors?.isScarce) response.shouldKeepAlive = false;
      if (probe(request, response, ready, () => door.assertMayAsk(request.socket.remoteAddress))) return;
      const visit = visitOf(request, door);
      admitted();
      response.once(
        'close',
        visit.whileKnown((why) => {
          sendError(response, why);
          gone.abort(why);
        }),
      );
      const { socket } = request;
      const cut = (): Socket => socket.destroy();
      holdWaiting(
        response,
        (bytes) => answers.holdPart(visit.caller, bytes, cut),
        (bytes) => answers.hold(visit.caller, bytes, cut),
      );
      await turnOf(response, gone.signal);
      await turns.of(visit.caller);
      throwIfAborted(gone.signal);
      await traced(spanName(request), () => route(routes, request, response, gone.signal, visit), {
        kind: 'server',
        parent: request.headers.traceparent?.toString(),
      });
    };
    const http: string[] = [];
    for (const door of doors.http)
      http.push(keep(await listenHttp(door, guarded(door, handle, clock), clock, streams.upgrade(door))));
    const metricsAddress =
      doors.metrics === undefined ? '' : keep(await listenMetrics(doors.metrics, metrics, core.pools, clock));
    // Last, because a client that finds this socket takes the core for ready.
    const grpc: string[] = [];
    for (const door of doors.grpc) {
      const server = await startGrpcServer(services, {
        door,
        clock,
        answers,
        turns,
        room: bodies,
        limits: options.limits,
      });
      closers.push(server.close);
      grpc.push(server.address);
    }
    return { grpc, http, metrics: metricsAddress, close };
  } catch (error) {
    await close(0);
    throw error;
  }
}

type Closer = (graceMs: number) => Promise<void>;

/** The listeners last: they carry what those who serve over them have to say at their end. */
async function closeHttp(served: Closer[], listeners: HttpListener[], graceMs: number): Promise<void> {
  await Promise.all(served.map((closer) => closer(graceMs)));
  await Promise.all(listeners.map((listener) => listener.close(graceMs)));
}

/** Open to everybody on this machine, and elsewhere to those who may read. */
function listenMetrics(
  door: Door,
  metrics: CoreMetrics,
  pools: PoolApi,
  clock: Clock,
): Promise<HttpListener> {
  metrics.observeProcess();
  const handle: Handle = async (request, response) => {
    const { pathname } = urlOf(request);
    if (!isRead(request) || pathname !== '/metrics') throw notHere(request, pathname);
    door.assertMayAsk(request.socket.remoteAddress);
    // Any caller may read.
    if (door.isSecure) visitOf(request, door);
    send(response, 200, metrics.contentType, await metrics.text(pools));
  };
  return listenHttp(door, guarded(door, handle, clock), clock, undefined, 'metrics');
}

/** A path may have the name of anything in it; that of an RPC is one of few. */
function spanName(request: IncomingMessage): string {
  const { pathname } = urlOf(request);
  return /^\/[a-z0-9.]+\.[A-Z]\w+\/\w+$/.test(pathname) ? pathname.slice(1) : `HTTP ${request.method}`;
}
