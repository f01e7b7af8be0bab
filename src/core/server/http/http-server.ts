import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/errors.ts';
import { type Endpoint, formatEndpoint } from '../../wire/endpoint.ts';

const MAX_CONNECTIONS = 4096;

export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export interface HttpListener {
  /** The real address. */
  address: string;
  /** Stops accepting, gives open requests `graceMs`, then cuts them off; a unix socket's file is gone. Idempotent. */
  close(graceMs: number): Promise<void>;
}

/** @throws unavailable when the address cannot be had */
export async function listenHttp(
  endpoint: Endpoint,
  handle: RequestListener,
  clock: Clock,
  upgrade?: Upgrade,
): Promise<HttpListener> {
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 5000, maxHeaderSize: 16 * 1024 },
    handle,
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.maxHeadersCount = 100;
  if (upgrade !== undefined) server.on('upgrade', upgrade);
  await listen(server, endpoint);
  return { address: realAddress(server, endpoint), close: (graceMs) => shutDown(server, clock, graceMs) };
}

async function listen(server: Server, endpoint: Endpoint): Promise<void> {
  if (endpoint.kind === 'unix') await rm(endpoint.path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new FsbError('unavailable', `cannot listen on ${formatEndpoint(endpoint)}: ${error.message}`)),
    );
    server.listen(
      endpoint.kind === 'unix' ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port },
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
