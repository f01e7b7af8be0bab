/** One port of a client may have two connections, to two addresses of the core: they are not one another's. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { createConnection } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Pair } from '../../../helpers/core/certificates.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type SecureCore, serveSecurely, sha256, TOKEN } from '../../../helpers/core/secure-core.ts';

const UNAUTHENTICATED = '16';

let inner: HostCore;
let place: SecureCore;
const sockets: TLSSocket[] = [];
beforeEach(async () => {
  inner = hostCore();
  place = await serveSecurely(inner, {
    ...{ grpc: ['0.0.0.0:0'], http: ['0.0.0.0:0'], clientCa: true },
    list: {
      tokens: [{ name: 'root', sha256: sha256(TOKEN), scopes: ['admin'] }],
      certificates: [{ subject: 'robot', scopes: ['read'] }],
    },
  });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await place[Symbol.asyncDispose]();
  await inner.close();
});

/** A connection to one of the addresses of this machine. @param localPort 0: any */
async function connection(
  { host, port }: { host: string; port: number },
  localPort: number,
  pair?: Pair,
): Promise<TLSSocket> {
  const socket = createConnection({ host, port, localAddress: '127.0.0.1', localPort });
  const tls = connectTls({
    ...{ socket, ca: readFileSync(place.authority.ca), servername: 'localhost' },
    ALPNProtocols: ['h2', 'http/1.1'],
    ...(pair && { cert: readFileSync(pair.cert), key: readFileSync(pair.key) }),
  });
  tls.on('error', () => {});
  sockets.push(tls);
  await once(tls, 'secureConnect');
  return tls;
}

/** Two of one port: of a stranger, and then of one with a certificate. */
async function both(address: string): Promise<[stranger: TLSSocket, robot: TLSSocket]> {
  const port = Number(address.split(':')[1]);
  const stranger = await connection({ host: '127.0.0.1', port }, 0);
  const pair = place.authority.issue({ name: 'robot', names: 'DNS:robot' });
  const robot = await connection({ host: '127.0.0.2', port }, stranger.localPort!, pair);
  expect(robot.localPort).toBe(stranger.localPort);
  return [stranger, robot];
}

async function statusOverHttp(socket: TLSSocket): Promise<string> {
  socket.write('GET /api/v1/sandboxes HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString('latin1').slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length);
}

/** @returns the status of one that was refused; undefined: it is answered */
async function statusOverGrpc(socket: TLSSocket): Promise<unknown> {
  const session = connectHttp2('https://localhost', { createConnection: () => socket });
  session.on('error', () => {});
  const stream = session.request({
    ...{ ':method': 'POST', ':path': '/fastpath.v1.FastPathService/ListSandboxes' },
    ...{ 'content-type': 'application/grpc', te: 'trailers' },
  });
  stream.on('error', () => {}).end(Buffer.alloc(5));
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  return headers['grpc-status'];
}

// Only when the one with the certificate is answered has the core read it.
it('over HTTP', async () => {
  const [stranger, robot] = await both(place.servers.http[0]!);
  expect([await statusOverHttp(robot), await statusOverHttp(stranger)]).toEqual(['200', '401']);
});

it('over gRPC', async () => {
  const [stranger, robot] = await both(place.servers.grpc[0]!);
  expect([await statusOverGrpc(robot), await statusOverGrpc(stranger)]).toEqual([undefined, UNAUTHENTICATED]);
});
