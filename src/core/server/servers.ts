import { setMaxListeners } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { CoreApi } from '../api/core-api.ts';
import type { PoolApi } from '../api/pool-api.ts';
import type { Clock } from '../model/clock.ts';
import { FsbError } from '../model/errors.ts';
import { isLoopback } from '../model/loopback.ts';
import { PoolServer } from '../tools/pool-server.ts';
import { type Endpoint, parseEndpoint } from '../wire/endpoint.ts';
import { startGrpcServer } from './grpc/grpc-server.ts';
import { coreServices } from './grpc/services.ts';
import { assertMayCall } from './http/guard.ts';
import { type HttpListener, listenHttp } from './http/http-server.ts';
import { logRoute } from './http/log-route.ts';
import { poolRoutes } from './http/pool-server/pool-routes.ts';
import { send, sendError, urlOf } from './http/respond.ts';
import { notHere, route } from './http/router.ts';
import { rpcRoutes } from './http/rpc-routes.ts';
import { type CoreMetrics, createCoreMetrics } from './metrics/core-metrics.ts';
import { streamServer } from './ws/stream-server.ts';

export interface ServerOptions {
  /** `unix:///path` or `host:port`; port 0 takes a free one. The caller holds the core's lock: a socket file that is there is stale. */
  grpc: string[];
  http: string[];
  /** `host:port`; left out: no metrics. */
  metrics?: string;
  /** What the core's pools report to; left out: they report to nobody. */
  coreMetrics?: CoreMetrics;
  /** True once recovery is done. */
  ready: () => boolean;
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

/** @throws invalid_argument (address), denied (not loopback), unavailable (cannot listen); nothing is left listening then */
export async function startServers(core: CoreApi, options: ServerOptions): Promise<Servers> {
  const { clock, log } = options;
  const endpoints = { grpc: options.grpc.map(localEndpoint), http: options.http.map(localEndpoint) };
  const metricsEndpoint = options.metrics === undefined ? undefined : localEndpoint(options.metrics);
  const metrics = options.coreMetrics ?? createCoreMetrics(clock);
  const closing = new AbortController();
  // Every long call listens to it: many of them at once are no leak.
  setMaxListeners(0, closing.signal);
  const streams = streamServer(core, clock, log);
  const poolServer = new PoolServer({ core, clock, log });
  const closers: Closer[] = [];
  const listeners: HttpListener[] = [];
  let closed: Promise<void> | undefined;
  const close = (graceMs: number): Promise<void> => {
    closing.abort(new FsbError('unavailable', 'the core is going away'));
    closed ??= Promise.all([
      ...closers.map((closer) => closer(graceMs)),
      closeHttp([streams.close, (ms) => poolServer.close(ms)], listeners, graceMs),
    ]).then(() => {});
    return closed;
  };
  const keep = (listener: HttpListener): string => {
    listeners.push(listener);
    return listener.address;
  };
  try {
    await poolServer.start();
    const services = coreServices(core, { ready: options.ready, metrics, closing: closing.signal });
    const served = {
      core,
      ready: () => options.ready() && !closing.signal.aborted,
      routes: [
        poolRoutes(poolServer, clock),
        rpcRoutes(services, clock),
        logRoute(core.sandboxes, closing.signal),
      ],
    };
    const http: string[] = [];
    for (const endpoint of endpoints.http) {
      const handle = guarded(endpoint.kind, (request, response, signal) =>
        route(served, request, response, signal),
      );
      http.push(keep(await listenHttp(endpoint, handle, clock, streams.upgrade(endpoint.kind))));
    }
    const metricsAddress =
      metricsEndpoint === undefined
        ? ''
        : keep(await listenMetrics(metricsEndpoint, metrics, core.pools, clock));
    // Last, because a client that finds this socket takes the core for ready.
    const grpc = await startGrpcServer(services, { endpoints: endpoints.grpc, clock });
    closers.push(grpc.close);
    return { grpc: grpc.addresses, http, metrics: metricsAddress, close };
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

function listenMetrics(
  endpoint: Endpoint,
  metrics: CoreMetrics,
  pools: PoolApi,
  clock: Clock,
): Promise<HttpListener> {
  metrics.observeProcess();
  const handle = guarded(endpoint.kind, async (request, response) => {
    const { pathname } = urlOf(request);
    if (request.method !== 'GET' || pathname !== '/metrics') throw notHere(request, pathname);
    send(response, 200, metrics.contentType, await metrics.text(pools));
  });
  return listenHttp(endpoint, handle, clock);
}

/** A listener from a handler: foreign pages are refused, a client that left cancels, an error is answered as JSON. */
function guarded(
  transport: Endpoint['kind'],
  handle: (request: IncomingMessage, response: ServerResponse, signal: AbortSignal) => Promise<void>,
): RequestListener {
  return (request, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const answer = async (): Promise<void> => {
      assertMayCall(request, transport);
      await handle(request, response, gone.signal);
    };
    answer().catch((error: unknown) => sendError(response, error));
  };
}

function localEndpoint(text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint.kind === 'unix' || isLoopback(endpoint.host)) return endpoint;
  throw new FsbError(
    'denied',
    `refusing to listen on ${text}: it is not a loopback address, and there is no TLS yet`,
    {
      hint: 'Use 127.0.0.1, and reach it from elsewhere through an ssh tunnel.',
    },
  );
}
