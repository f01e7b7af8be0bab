/** What clients of HTTP/1.1 offer beside their question, and when they vanish. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';

let inner: HostCore;
let served: ServedCore;
let socket: Socket;
beforeEach(async () => {
  inner = hostCore();
  served = await serveAndConnect(inner, 'tcp');
  const [host, port] = served.servers.http[0]!.split(':');
  socket = connect(Number(port), host).on('error', () => {});
  await once(socket, 'connect');
});
afterEach(async () => {
  socket.destroy();
  await served.close();
  await inner.close();
});

const head = (...lines: string[]): string => [...lines, '', ''].join('\r\n');

async function statusOf(request: string): Promise<string> {
  socket.write(request);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString('latin1').slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length);
}

const h2c = [
  'Connection: Upgrade, HTTP2-Settings',
  'Upgrade: h2c',
  'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA',
];

it('a client that offers HTTP/2 is answered as if it had not', async () => {
  expect(await statusOf(head('GET /api/v1/sandboxes HTTP/1.1', 'Host: localhost', ...h2c))).toBe('200');
  const body = JSON.stringify({ name: 'box', spec: { image: 'host', command: ['true'] } });
  const said = ['Content-Type: application/json', `Content-Length: ${body.length}`];
  expect(
    await statusOf(head('POST /api/v1/sandboxes HTTP/1.1', 'Host: localhost', ...h2c, ...said) + body),
  ).toBe('201');
  expect(await statusOf(head('GET /healthz HTTP/1.1', 'Host: localhost'))).toBe('200');
});

it('a connection is asked now and then whether its client is there', async () => {
  expect(await statusOf(head('GET /api/v1/watch HTTP/1.1', 'Host: localhost'))).toBe('200');
  const [local, remote] = [socket.remotePort!, socket.localPort!].map((port) =>
    port.toString(16).toUpperCase().padStart(4, '0'),
  );
  const line = readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .find(
      (one) =>
        one.includes(`:${local} `) &&
        one.includes(`:${remote} `) &&
        one.indexOf(`:${local} `) < one.indexOf(`:${remote} `),
    );
  // The timer that runs: 2 is that of keep-alive.
  expect(line?.trim().split(/\s+/)[5]?.slice(0, 2)).toBe('02');
});
