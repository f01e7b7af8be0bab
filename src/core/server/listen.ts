import { chmod, rm } from 'node:fs/promises';
import type { AddressInfo, Server } from 'node:net';
import { FsbError } from '../model/failure/errors.ts';
import { type Endpoint, formatEndpoint } from '../wire/endpoint.ts';

/** Of one listener; further ones are closed without a word. */
export const MOST_CONNECTIONS = 8192;
/** When a listener has so many, it takes no more streams: what is left is for calls. */
export const MOST_WITH_STREAMS = MOST_CONNECTIONS - 256;
/** Connections that wait in the kernel to be accepted; it may have a limit of its own. */
const BACKLOG = 4096;

/**
 * Makes a server of sockets listen; a unix socket is for its user alone, and replaces what lies there.
 * @returns the real address, with a port
 * @throws unavailable when the address cannot be had
 */
export async function listen(server: Server, endpoint: Endpoint): Promise<string> {
  server.maxConnections = MOST_CONNECTIONS;
  if (endpoint.kind === 'unix') await rm(endpoint.path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(endpoint, error)));
    // Node's own 511 are soon there when many call at once, and a unix socket refuses the next one.
    const backlog = BACKLOG;
    server.listen(
      endpoint.kind === 'unix'
        ? { path: endpoint.path, backlog }
        : { host: endpoint.host, port: endpoint.port, backlog },
      () => resolve(),
    );
  });
  if (endpoint.kind === 'unix') await chmod(endpoint.path, 0o600);
  return realAddress(server, endpoint);
}

const CHOOSE = 'Choose another address, or "off": --grpc, --http and --metrics say where a core listens.';
const REASONS: Readonly<Record<string, [why: string, hint: string]>> = {
  EADDRINUSE: ['something else listens there', `See who has it with: ss -ltnp. ${CHOOSE}`],
  EADDRNOTAVAIL: ['this machine has no such address', 'See which it has with: ip address'],
  EACCES: ['permission denied', 'Choose a port above 1023.'],
};

function cannotListen(endpoint: Endpoint, error: NodeJS.ErrnoException): FsbError {
  const isTcp = endpoint.kind === 'tcp';
  const [why, hint] = (isTcp && REASONS[error.code ?? '']) || [error.message, isTcp ? CHOOSE : undefined];
  return new FsbError('unavailable', `cannot listen on ${formatEndpoint(endpoint)}: ${why}`, { hint });
}

function realAddress(server: Server, endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return formatEndpoint(endpoint);
  return formatEndpoint({ ...endpoint, port: (server.address() as AddressInfo).port });
}
