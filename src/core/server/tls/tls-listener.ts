import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/errors.ts';
import { type Endpoint, formatEndpoint } from '../../wire/endpoint.ts';
import { Guests } from './guests.ts';
import type { TlsIdentity } from './identity.ts';

const BACKLOG = 1024;
/** Milliseconds for a handshake. */
const HANDSHAKE = 10_000;

export interface TlsListenerOptions {
  endpoint: Endpoint & { kind: 'tcp' };
  identity: TlsIdentity;
  /** `h2` for gRPC, `http/1.1`. */
  protocol: string;
  /** Gets each connection, once it is safe. */
  serve: (socket: TLSSocket) => void;
  clock: Clock;
  log: Logger;
}

export interface TlsListener {
  /** The real address. */
  address: string;
  guests: Guests;
  /** Takes no connection any more; those there are stay. Idempotent. */
  close(): void;
}

export const peerOf = ({ remoteAddress, remotePort }: Socket): string =>
  remoteAddress === undefined ? '' : `${remoteAddress}:${remotePort}`;

/** Terminates TLS for a server that speaks its protocol over whatever sockets it is given. @throws unavailable */
export async function listenTls(options: TlsListenerOptions): Promise<TlsListener> {
  const { endpoint, identity, protocol, serve, clock, log } = options;
  const guests = new Guests(clock);
  let context = identity.context;
  const server = createServer({
    ...context,
    handshakeTimeout: HANDSHAKE,
    ALPNProtocols: [protocol],
    // Whoever shows no certificate may have a token: it is the call that is refused, and told why.
    ...(identity.asksClients ? { requestCert: true, rejectUnauthorized: false } : {}),
  });
  server.prependListener('connection', (socket: Socket) => {
    if (!guests.take(peerOf(socket), socket.remoteAddress ?? '', socket)) socket.destroy();
    const newest = identity.context;
    if (newest !== context) server.setSecureContext(newest);
    context = newest;
  });
  server.on('secureConnection', (socket) => {
    socket.on('error', () => socket.destroy());
    guests.secured(peerOf(socket), socket);
    serve(socket);
  });
  server.on('tlsClientError', (error, socket) => {
    log.debug({ err: error, peer: peerOf(socket) }, 'a TLS handshake failed');
    socket.destroy();
  });
  await listen(server, endpoint);
  const { port } = server.address() as AddressInfo;
  return { address: formatEndpoint({ ...endpoint, port }), guests, close: () => void server.close() };
}

function listen(server: Server, endpoint: Endpoint & { kind: 'tcp' }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(new FsbError('unavailable', `cannot listen on ${formatEndpoint(endpoint)}: ${error.message}`)),
    );
    server.listen({ host: endpoint.host, port: endpoint.port, backlog: BACKLOG }, () => resolve());
  });
}
