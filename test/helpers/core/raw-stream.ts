import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';

/** So many calls of others are answered, and nothing was read meanwhile: it will not be. */
const MOST_CALLS = 30;

/** A connection of a client that never reads. @param to path of a unix socket, or `host:port` */
export async function deafClient(to: string, hello: Buffer | string = ''): Promise<Socket> {
  const [host, port] = to.split(':');
  const socket = port === undefined ? createConnection(to) : createConnection(Number(port), host);
  socket.on('error', () => {});
  socket.pause();
  await once(socket, 'connect');
  if (hello.length > 0) socket.write(hello);
  return socket;
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
