import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

/** So many calls of others are answered, and nothing was read meanwhile: it will not be. */
const MOST_CALLS = 30;

/**
 * A connection of a client that never reads.
 * @param to path of a unix socket, or `host:port`
 * @param ca of the certificate that is there; left out: no TLS
 */
export async function deafClient(
  to: string,
  hello: Buffer | string = '',
  { ca }: { ca?: Buffer } = {},
): Promise<Socket> {
  const socket = connectionTo(to, ca);
  socket.on('error', () => {});
  socket.pause();
  await once(socket, ca === undefined ? 'connect' : 'secureConnect');
  if (hello.length > 0) socket.write(hello);
  return socket;
}

function connectionTo(to: string, ca: Buffer | undefined): Socket {
  const [host, port] = to.split(':');
  if (port === undefined) return createConnection(to);
  if (ca === undefined) return createConnection(Number(port), host);
  return connectSecurely({ host, port: Number(port), ca });
}

/**
 * Writes the same again and again, as fast as it is read.
 * @param other a call of another client
 * @returns how often; fewer than `most` when the other end hung up, or does not read while it answers others
 */
export async function flood(
  socket: Socket,
  bytes: Buffer,
  most: number,
  other: () => Promise<unknown>,
): Promise<number> {
  let times = 0;
  while (times < most && !socket.destroyed) {
    times += 1;
    if (socket.write(bytes)) continue;
    for (let calls = 0; socket.writableNeedDrain && calls < MOST_CALLS; calls++) await other();
    if (socket.writableNeedDrain) break;
  }
  return times;
}
