import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface PodPaths {
  /** `http://...`, for clients of Kubernetes. */
  url: string;
  close(): Promise<void>;
}

const POD = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/(exec|attach|portforward|log)$/;

/**
 * Stands before a core and gives its sandboxes the paths of pods: the request line is written anew, and nothing else is
 * touched. @param to `host:port`
 */
export async function podPaths(to: string): Promise<PodPaths> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };
  const [host, port] = to.split(':');
  const server = createServer((client) => {
    const core = keep(connect(Number(port), host!));
    keep(client).once('data', (head: Buffer) => {
      core.write(
        head.toString('latin1').replace(/^GET (\S+)/, (_, url: string) => `GET ${mapped(url)}`),
        'latin1',
      );
      client.pipe(core).pipe(client);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function mapped(url: string): string {
  const { pathname, searchParams } = new URL(url, 'http://core');
  const [, namespace, name, action] = POD.exec(pathname)!;
  if (action !== 'log') return `/api/v1/sandboxes/${namespace}/${name}/${action}?${searchParams}`;
  const query = new URLSearchParams();
  for (const [theirs, ours] of [
    ['follow', 'follow'],
    ['timestamps', 'timestamps'],
    ['tailLines', 'tail'],
    ['sinceTime', 'since'],
  ] as const) {
    const value = searchParams.get(theirs);
    if (value !== null) query.set(ours, value);
  }
  return `/api/v1/sandboxes/${namespace}/${name}/logs?${query}`;
}
