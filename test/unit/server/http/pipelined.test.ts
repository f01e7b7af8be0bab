/** Requests that are sent before the answers to those before them have ended. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { wholeLog } from '../../../../src/core/model/logs.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';

const box = { namespace: 'default', name: 'box' };
const EACH = 12;

let inner: HostCore;
let served: ServedCore;
let open = 0;
let begun = 0;
beforeEach(async () => {
  inner = hostCore();
  open = 0;
  begun = 0;
  const logs: typeof inner.sandboxes.logs = async function* (ref, query, options) {
    open += 1;
    begun += 1;
    try {
      yield* inner.sandboxes.logs(ref, query, options);
    } finally {
      open -= 1;
    }
  };
  const sandboxes = new Proxy(inner.sandboxes, {
    get(target, name) {
      const value = name === 'logs' ? logs : Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const core = new Proxy(inner, {
    get: (target, name) => (name === 'sandboxes' ? sandboxes : Reflect.get(target, name)),
  });
  served = await serveAndConnect(core, 'tcp');
  const command = ['sh', '-c', 'echo up; sleep 1000'];
  await inner.sandboxes.create({ ...box, spec: { image: 'host', command } });
  for await (const _ of inner.sandboxes.logs(box, { ...wholeLog, follow: true })) break;
});
afterEach(async () => {
  await served.close();
  await inner.close();
});

async function connection(): Promise<Socket> {
  const [host, port] = served.servers.http[0]!.split(':');
  const socket = connect(Number(port), host).on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

it('end with their connection, and those whose turn has not come are not begun', async () => {
  const socket = await connection();
  const warnings: Error[] = [];
  process.on('warning', (warning) => warnings.push(warning));
  const follow = 'GET /api/v1/sandboxes/default/box/logs?follow=true HTTP/1.1\r\nHost: localhost\r\n\r\n';
  socket.write(follow.repeat(EACH));
  await once(socket, 'data');
  expect([open, begun]).toEqual([1, 1]);
  socket.destroy();
  await expect.poll(() => open).toBe(0);
  expect(begun).toBe(1);
  expect(warnings).toEqual([]);
});

it('are done one after the other', async () => {
  const socket = await connection();
  const body = JSON.stringify({ name: 'next', spec: { image: 'host', command: ['true'] } });
  const next = (method: string, rest: string): string =>
    `${method} /api/v1/sandboxes${rest} HTTP/1.1\r\nHost: localhost\r\n`;
  socket.write(
    `${next('POST', '')}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}` +
      `${next('GET', '/default/next')}\r\n` +
      `${next('DELETE', '/default/next')}\r\n` +
      `${next('GET', '/default/next')}Connection: close\r\n\r\n`,
  );
  let text = '';
  for await (const data of socket) text += data;
  expect(text.match(/(?<=HTTP\/1\.1 )\d+/g)).toEqual(['201', '200', '204', '404']);
});
