import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/errors.ts';
import { type Endpoint, formatEndpoint } from '../../wire/endpoint.ts';
import type { Door } from '../doors.ts';

const MAX_CONNECTIONS = 4096;

/** Milliseconds for the rest of a body after the answer; what comes of it is dropped. */
const REST_TIME = 30_000;

export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export interface HttpListener {
  /** The real address. */
  address: string;
  /** Stops accepting, gives open requests `graceMs`, then cuts them off; a unix socket's file is gone. Idempotent. */
  close(graceMs: number): Promise<void>;
}

// No requestTimeout: it would cut a long upload, also one that waits for its turn. Who reads a body has a deadline.
const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 0,
  keepAliveTimeout: 5000,
  maxHeaderSize: 16 * 1024,
};

/** @throws unavailable when the address cannot be had */
export async function listenHttp(
  door: Door,
  handle: RequestListener,
  clock: Clock,
  upgrade?: Upgrade,
): Promise<HttpListener> {
  const server = serverBehind(door, (request, response) => {
    response.once('finish', () => cutEndless(request, clock));
    handle(request, response);
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.maxHeadersCount = 100;
  if (upgrade !== undefined) server.on('upgrade', upgrade);
  await listen(server, door.endpoint);
  return {
    address: realAddress(server, door.endpoint),
    close: (graceMs) => shutDown(server, clock, graceMs),
  };
}

function serverBehind(door: Door, handle: RequestListener): Server {
  if (!door.isSecure) return createServer(LIMITS, handle);
  const server = createSecureServer({ ...LIMITS, ...door.tlsOptions }, handle);
  door.guard(server);
  return server;
}

/** A client that goes on sending after its answer would have its connection for ever. */
function cutEndless(request: IncomingMessage, clock: Clock): void {
  if (request.complete) return;
  const cancel = clock.after(REST_TIME, () => request.destroy());
  request.once('close', cancel);
}

async function listen(server: Server, endpoint: Endpoint): Promise<void> {
  if (endpoint.kind === 'unix') await rm(endpoint.path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new FsbError('unavailable', `cannot listen on ${formatEndpoint(endpoint)}: ${error.message}`)),
    );
    // Node's own 511 are soon there when many call at once, and a unix socket refuses the next one.
    const backlog = MAX_CONNECTIONS;
    server.listen(
      endpoint.kind === 'unix'
        ? { path: endpoint.path, backlog }
        : { host: endpoint.host, port: endpoint.port, backlog },
      () => resolve(),
    );
  });
  if (endpoint.kind === 'unix') await chmod(endpoint.path, 0o600);
}

function realAddress(server: Server, endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return formatEndpoint(endpoint);
  return formatEndpoint({ ...endpoint, port: (server.address() as AddressInfo).port });
}

function shutDown(server: Server, clock: Clock, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(graceMs, () => server.closeAllConnections());
    server.close(() => {
      cancel();
      resolve();
    });
    server.closeIdleConnections();
  });
}
