import type { Socket } from 'node:net';
import type { Server, TlsOptions } from 'node:tls';
import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import { descriptorLimit } from '../../model/failure/descriptors.ts';
import { Guests } from '../auth/guests.ts';
import { connectionOf, peerOf } from '../ends.ts';
import { MOST_CONNECTIONS } from '../listen.ts';
import type { TlsIdentity } from './identity.ts';

/** Milliseconds for a handshake. */
const HANDSHAKE = 10_000;

/** What a TLS server of ours is made with. */
export const serverTls = (identity: TlsIdentity): TlsOptions => ({
  ...identity.context,
  // Who waits for a turn is not read: what it says would fill the core.
  pauseOnConnect: true,
  handshakeTimeout: HANDSHAKE,
  // Whoever shows no certificate may have a token: it is the call that is refused, and told why.
  ...(identity.asksClients ? { requestCert: true, rejectUnauthorized: false } : {}),
});

/** Half of the connections of a listener, and no more than a quarter of what the process may have open. */
const mostWithWaiting = (): number =>
  Math.min(MOST_CONNECTIONS / 2, (descriptorLimit() ?? MOST_CONNECTIONS) / 4);

/** Has each connection of a TLS server take its turn, and shown the newest certificate. To be called before others listen to it. */
export function receive(server: Server, identity: TlsIdentity, clock: Clock, log: Logger): Guests {
  const guests = new Guests(clock, mostWithWaiting(), MOST_CONNECTIONS);
  let context = identity.context;
  const handshakes = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const welcome = (): void => {
      const newest = identity.context;
      if (newest !== context) server.setSecureContext(newest);
      context = newest;
      for (const handshake of handshakes) handshake.call(server, socket);
    };
    if (!guests.take(connectionOf(socket), socket.remoteAddress ?? '', socket, welcome)) socket.destroy();
  });
  server.on('secureConnection', (socket) => {
    socket.on('error', () => socket.destroy());
    guests.secured(connectionOf(socket), socket);
    socket.resume();
  });
  server.on('tlsClientError', (error, socket) => {
    log.debug({ err: error, peer: peerOf(socket) }, 'a TLS handshake failed');
    socket.destroy();
  });
  return guests;
}
