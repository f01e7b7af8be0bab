import type { Socket } from 'node:net';
import type { Server, TlsOptions } from 'node:tls';
import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import { Guests } from './guests.ts';
import type { TlsIdentity } from './identity.ts';

/** Milliseconds for a handshake. */
const HANDSHAKE = 10_000;

/** What a TLS server of ours is made with. */
export const serverTls = (identity: TlsIdentity): TlsOptions => ({
  ...identity.context,
  handshakeTimeout: HANDSHAKE,
  // Whoever shows no certificate may have a token: it is the call that is refused, and told why.
  ...(identity.asksClients ? { requestCert: true, rejectUnauthorized: false } : {}),
});

/** `address:port`; empty when the connection has gone. */
export const peerOf = ({ remoteAddress, remotePort }: Socket): string =>
  remoteAddress === undefined ? '' : `${remoteAddress}:${remotePort}`;

/** Has each connection of a TLS server counted, and shown the newest certificate. */
export function receive(server: Server, identity: TlsIdentity, clock: Clock, log: Logger): Guests {
  const guests = new Guests(clock);
  let context = identity.context;
  server.prependListener('connection', (socket: Socket) => {
    if (!guests.take(peerOf(socket), socket.remoteAddress ?? '', socket)) socket.destroy();
    const newest = identity.context;
    if (newest !== context) server.setSecureContext(newest);
    context = newest;
  });
  server.on('secureConnection', (socket) => {
    socket.on('error', () => socket.destroy());
    guests.secured(peerOf(socket), socket);
  });
  server.on('tlsClientError', (error, socket) => {
    log.debug({ err: error, peer: peerOf(socket) }, 'a TLS handshake failed');
    socket.destroy();
  });
  return guests;
}
