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
beforeEach(async () => {
  inner = hostCore();
  open = 0;
  const logs: typeof inner.sandboxes.logs = async function* (ref, query, options) {
    open += 1;
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

it('end with their connection, also those whose turn has not come', async () => {
  const socket = await connection();
  const warnings: Error[] = [];
  process.on('warning', (warning) => warnings.push(warning));
  const follow = 'GET /api/v1/sandboxes/default/box/logs?follow=true HTTP/1.1\r\nHost: localhost\r\n\r\n';
  socket.write(follow.repeat(EACH));
  await expect.poll(() => open).toBe(EACH);
  socket.destroy();
  await expect.poll(() => open).toBe(0);
  expect(warnings).toEqual([]);
});
