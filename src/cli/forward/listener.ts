import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type ErrorCode, FsbError } from '../../core/model/failure/errors.ts';
import type { PortPair } from './ports.ts';

/** A port here whose connections go to one in the sandbox. */
export interface Listener {
  /** Where it listens, with the port that it got. */
  address: string;
  local: number;
  remote: number;
  close(): void;
}

/** @throws conflict (in use), denied, invalid_argument */
export async function listen(
  host: string,
  { local, remote }: PortPair,
  accept: (socket: Socket, remote: number) => void,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    accept(socket, remote);
  });
  const { address, port } = await bound(server, host, local);
  return {
    address,
    local: port,
    remote,
    close() {
      server.close();
      // A reset: what came so far must not pass for all of it.
      for (const socket of sockets) socket.resetAndDestroy();
    },
  };
}

function bound(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(host, port, error)));
    server.listen(port, host, () => resolve(server.address() as AddressInfo));
  });
}

const CODES: Record<string, [ErrorCode, string, string]> = {
  EADDRINUSE: ['conflict', 'something else listens there', 'Choose another port, or 0 for any that is free.'],
  EACCES: ['denied', 'permission denied', 'Choose a port above 1023.'],
  EADDRNOTAVAIL: ['invalid_argument', 'this machine has no such address', 'Choose another --address.'],
  ENOTFOUND: ['invalid_argument', 'there is no such address', 'Choose another --address.'],
};

function listenError(host: string, port: number, error: NodeJS.ErrnoException): FsbError {
  const [code, why, hint] = CODES[error.code ?? ''] ?? ['internal', error.message, undefined];
  return new FsbError(code, `cannot listen on ${socketAddress(host, port)}: ${why}`, { hint, cause: error });
}

export const socketAddress = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
