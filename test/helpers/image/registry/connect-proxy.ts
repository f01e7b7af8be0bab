import { createServer, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { listen } from './listening.ts';

/** An http proxy (absolute addresses, and CONNECT) that leads every host to one address. */
export interface ConnectProxy {
  /** `http://127.0.0.1:3128` */
  url: string;
  /** What was asked for: `CONNECT registry.test:443`, `GET http://registry.test/v2/`. */
  readonly requests: string[];
  stop(): Promise<void>;
}

/**
 * @param address where everything goes: `127.0.0.1:5000`
 * @param authorization what it demands as Proxy-Authorization; others get 407
 */
export async function startConnectProxy(address: string, authorization?: string): Promise<ConnectProxy> {
  const requests: string[] = [];
  const [hostname, port] = address.split(':') as [string, string];
  const refuses = (incoming: IncomingMessage): boolean =>
    authorization !== undefined && incoming.headers['proxy-authorization'] !== authorization;
  const server = createServer((incoming, outgoing) => {
    requests.push(`${incoming.method} ${incoming.url}`);
    if (refuses(incoming)) return void outgoing.writeHead(407).end();
    const { pathname, search } = new URL(incoming.url!);
    const passed = request({
      hostname,
      port,
      method: incoming.method,
      path: pathname + search,
      headers: incoming.headers,
      agent: false,
    });
    passed.on('error', () => outgoing.destroy());
    passed.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(passed);
  });
  server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    requests.push(`CONNECT ${incoming.url}`);
    if (refuses(incoming)) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const upstream = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
  });
  const listening = await listen(server);
  return { url: `http://${listening.address}`, requests, stop: listening.stop };
}
