import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface BreakingProxy {
  /** `host:port` */
  address: string;
  /** Connections that were broken. */
  broken(): number;
  /** The first kilobytes that the core has said, on whatever connection; its frames are plain. */
  heard(): string;
  /** Breaks every connection, and each that comes, until `restore`. */
  cut(): void;
  restore(): void;
  /** From now on nothing passes, in neither direction, and nobody is told. */
  swallow(): void;
  close(): Promise<void>;
}

/**
 * Passes a core's socket on, and breaks one connection after the other: the first one when `cuts[0]` bytes have come
 * through it, whichever way they went, and so on. Those behind the last cut are left alone.
 * @param address `unix:///path`, or `host:port`
 */
export async function breakingProxy(address: string, cuts: readonly number[]): Promise<BreakingProxy> {
  let broken = 0;
  let connections = 0;
  let isCut = false;
  let heard = '';
  let swallows = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const core = connectTo(address);
    let left = cuts[connections] ?? Number.POSITIVE_INFINITY;
    connections += 1;
    const pass = (from: Socket, to: Socket): void => {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('drain', () => to.resume());
      from.on('data', (data: Buffer) => {
        if (left <= 0 || swallows) return;
        const part = data.subarray(0, left);
        left -= part.length;
        if (left > 0) {
          if (!to.write(part)) from.pause();
          return;
        }
        broken += 1;
        to.write(part, () => {
          client.destroy();
          core.destroy();
        });
      });
    };
    core.on('data', (data: Buffer) => {
      if (heard.length < 4096) heard += data.toString('latin1');
    });
    pass(client, core);
    pass(core, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    broken: () => broken,
    heard: () => heard,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    restore() {
      isCut = false;
    },
    swallow() {
      swallows = true;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function connectTo(address: string): Socket {
  if (address.startsWith('unix://')) return connect(address.slice('unix://'.length));
  const [host, port] = address.split(':');
  return connect(Number(port), host);
}
