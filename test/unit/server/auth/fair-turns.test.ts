/** Many calls of one caller at once, each of which keeps the core busy for a while, and one of somebody else behind them. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type SecureCore, serveSecurely, sha256 } from '../../../helpers/core/secure-core.ts';

const MANY = 120;
/** As long as no other call is to begin in the same turn of the loop. */
const BUSY_MS = 6;
const tokenOf = (name: string): string => `token-of-the-tests-${name}`;
const entry = (name: string) => ({ name, sha256: sha256(tokenOf(name)), scopes: ['read'] });

let inner: HostCore;
let place: SecureCore;
let begun = 0;
beforeEach(async () => {
  begun = 0;
  inner = hostCore();
  place = await serveSecurely(inner, { list: { tokens: [entry('greedy'), entry('other')] } });
  const { page } = inner.sandboxes;
  inner.sandboxes.page = (...asked) => {
    begun += 1;
    const end = performance.now() + BUSY_MS;
    while (performance.now() < end);
    return page.apply(inner.sandboxes, asked);
  };
});
afterEach(async () => {
  await place[Symbol.asyncDispose]();
  await inner.close();
});

/** Asks, and then as another caller. @returns how many of the calls have begun before that one has its answer */
async function begunBefore(ask: () => void): Promise<number> {
  const client = place.client({ token: tokenOf('other') });
  await client.system.info();
  ask();
  await expect.poll(() => begun, { interval: 1 }).toBeGreaterThan(0);
  await client.system.info();
  return begun;
}

it('keep nobody waiting for all of them: over gRPC', async () => {
  const session = connect(`https://${place.servers.grpc[0]}`, { ca: readFileSync(place.authority.ca) });
  session.on('error', () => {});
  await once(session, 'connect');
  let answered = 0;
  const before = await begunBefore(() => {
    for (let n = 0; n < MANY; n++) {
      const stream = session.request({
        ...{ ':method': 'POST', ':path': '/fastpath.v1.FastPathService/ListSandboxes' },
        ...{ 'content-type': 'application/grpc', te: 'trailers' },
        authorization: `Bearer ${tokenOf('greedy')}`,
      });
      stream.once('trailers', () => {
        answered += 1;
      });
      stream.resume().end(Buffer.alloc(5));
    }
  });
  expect(before).toBeLessThan(MANY / 2);
  await expect.poll(() => answered, { timeout: 20_000 }).toBe(MANY);
  session.destroy();
});

it('keep nobody waiting for all of them: over HTTP', async () => {
  const [host, port] = place.servers.http[0]!.split(':');
  const ca = readFileSync(place.authority.ca);
  const connected = Array.from({ length: MANY / 6 }, async () => {
    const socket = connectTls({ host, port: Number(port), ca });
    await once(socket, 'secureConnect');
    return socket.resume();
  });
  const sockets = await Promise.all(connected);
  const question = `GET /api/v1/sandboxes HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${tokenOf('greedy')}\r\n\r\n`;
  // Loads what answers these.
  sockets[0]!.write(question);
  await once(sockets[0]!, 'data');
  begun = 0;
  const before = await begunBefore(() => {
    for (const socket of sockets) socket.write(question.repeat(6));
  });
  expect(before).toBeLessThan(MANY / 2);
  await expect.poll(() => begun, { timeout: 20_000 }).toBe(MANY);
  for (const socket of sockets) socket.destroy();
});

it('are not begun when their caller has left before their turn', async () => {
  const session = connect(`https://${place.servers.grpc[0]}`, { ca: readFileSync(place.authority.ca) });
  session.on('error', () => {});
  await once(session, 'connect');
  const before = begunBefore(() => {
    for (let n = 0; n < MANY; n++)
      session
        .request({
          ...{ ':method': 'POST', ':path': '/fastpath.v1.FastPathService/ListSandboxes' },
          ...{ 'content-type': 'application/grpc', te: 'trailers' },
          authorization: `Bearer ${tokenOf('greedy')}`,
        })
        .on('error', () => {})
        .end(Buffer.alloc(5));
  });
  await before;
  session.destroy();
  const client = place.client({ token: tokenOf('other') });
  for (let n = 0; n < 10; n++) await client.system.info();
  expect(begun).toBeLessThan(MANY / 2);
});
