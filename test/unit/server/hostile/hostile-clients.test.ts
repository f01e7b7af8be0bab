import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  channels,
  encodeFrame,
  encodeResize,
  encodeSignal,
} from '../../../../src/core/wire/stream/frames.ts';
import {
  http2Preface,
  httpSeeds,
  question,
  rawClientsProperty,
  webSocketFrame,
  webSocketHead,
} from '../../../fuzz/raw-clients.ts';
import { type ServedNothing, say, serveNothing } from '../../../fuzz/refusing-core.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { deafClient, flood } from '../../../helpers/core/raw-stream.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';
import { heapInUse } from '../../../helpers/heap-in-use.ts';

const [healthz] = httpSeeds;
const openDescriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length;

/** Both ends are in this process: what a client left behind would be a descriptor. */
async function untilDescriptors(most: number): Promise<void> {
  while ((await openDescriptors()) > most) await sleep(5);
}

async function open(path: string): Promise<Socket> {
  const socket = createConnection(path);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Says so much, and is gone. */
async function sayAndVanish(path: string, bytes: Buffer): Promise<void> {
  const socket = await open(path);
  await new Promise((resolve) => socket.write(bytes, resolve));
  socket.destroy();
}

describe('a client that means no good', () => {
  let place: ServedNothing;
  beforeEach(async () => {
    place = await serveNothing();
    // Before any count: what the first connection opens for good.
    for (const path of [place.http, place.grpc.slice('unix://'.length)])
      await sayAndVanish(path, Buffer.of(10));
    await say(place.http, healthz!);
    // The REST API is loaded when it is first asked.
    await say(place.http, Buffer.from('GET /api/v1/ HTTP/1.1\r\nHost: localhost\r\n\r\n'));
  });
  afterEach(async () => {
    expect(await say(place.http, healthz!)).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*ok\n$/);
    await place[Symbol.asyncDispose]();
  });

  it.each([
    ...httpSeeds.map((bytes, i) => [`request ${i}`, 'http', bytes] as const),
    ['gRPC', 'grpc', http2Preface] as const,
  ])('%s, cut at every byte, leaves nothing behind', async (_, server, bytes) => {
    const path = server === 'http' ? place.http : place.grpc.slice('unix://'.length);
    const before = await openDescriptors();
    for (let cut = 0; cut <= bytes.length; cut++) await sayAndVanish(path, bytes.subarray(0, cut));
    await untilDescriptors(before);
  });

  it('says anything, and the others are answered', async () => {
    await fc.assert(rawClientsProperty(place), { numRuns: 40 });
  });

  it.each([
    [
      'a header of a megabyte',
      `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(2 ** 20)}\r\n\r\n`,
      431,
    ],
    ['a path of a megabyte', `GET /${'x'.repeat(2 ** 20)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
    ['ten thousand headers', `GET / HTTP/1.1\r\nHost: localhost\r\n${'a: b\r\n'.repeat(10_000)}\r\n`, 431],
    [
      // What tells a page may be among those that are left out.
      'a hundred headers and one more',
      `GET /healthz HTTP/1.1\r\nHost: localhost\r\n${'a: b\r\n'.repeat(99)}Origin: http://evil.example\r\n\r\n`,
      431,
    ],
    ['a hundred headers', `GET /healthz HTTP/1.1\r\nHost: localhost\r\n${'a: b\r\n'.repeat(99)}\r\n`, 200],
    ['two hosts', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n', 400],
    ['no HTTP', '\0\0\0\0\0\0\0\0', 400],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    [
      'a length and chunks',
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
      400,
    ],
    [
      'a chunk without end',
      `POST /pool/initialize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n`,
      400,
    ],
  ])('sends %s', async (_, bytes, status) => {
    expect(await say(place.http, Buffer.from(bytes))).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it.each([
    '/api/v1/sandboxes/../../../etc/passwd',
    '/api/v1/sandboxes/..%2f..%2f/etc',
    '/api/v1/sandboxes/%00/%00',
    '/api/v1/sandboxes/default/a%00b',
    '/api/v1/sandboxes/default/%ff',
    '/sandbox/../../../etc/passwd',
    '/sandbox/%2e%2e%2f%00',
    '//../..',
    'http://evil.example/../x',
    'http://[',
    '/__proto__',
    '/sandbox/__proto__/constructor',
    '*',
  ])('asks for %s', async (path) => {
    const heard = await say(place.http, Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`));
    expect(heard).toMatch(/^HTTP\/1\.1 (400|404) /);
    expect(JSON.parse(heard.split('\r\n\r\n')[1]!)).toMatchObject({
      error: { code: expect.stringMatching(/^(invalid_argument|not_found)$/) },
    });
  });

  it.each([
    ['no body at all', ''],
    ['a part of JSON', '{'],
    ['null', 'null'],
    ['a list', '[]'],
    ['what objects inherit', '{"__proto__":{"image":"host"}}'],
    ['lists in lists', `${'['.repeat(100_000)}`],
    ['maps in maps', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`],
    ['a NUL', '{"image":"a\\u0000b"}'],
    ['bytes that are no text', '\xff\xfe'],
  ])('sends JSON that is none of ours: %s', async (_, body) => {
    for (const path of ['/sandbox/create', '/pool/initialize', '/sandbox/tool/execute']) {
      const heard = await say(place.http, question(path, Buffer.from(body, 'latin1'), 'application/json'));
      expect(heard).toMatch(/^HTTP\/1\.1 \d{3} /);
      expect(heard).not.toContain('"internal"');
    }
  });
});

/** FSB_TEST_FRAMES=1000000 makes it the million. */
const FRAMES = Number(process.env.FSB_TEST_FRAMES ?? 50_000);

describe('a million small frames', () => {
  let inner: HostCore;
  let served: ServedCore;
  beforeEach(async () => {
    inner = hostCore();
    served = await serveAndConnect(inner, 'unix');
    const spec = { image: 'host', command: ['sleep', '1000'] };
    await inner.sandboxes.create({ namespace: 'default', name: 'box', spec });
  });
  afterEach(async () => {
    await served.close();
    await inner.close();
  });

  it.each([
    ['for input', encodeFrame(channels.stdin, Buffer.from('x'))],
    ['of nothing', encodeFrame(channels.stdin)],
    ['for sizes', encodeResize({ rows: 1, cols: 1 })],
    ['for a signal that is ignored', encodeSignal(23)],
    ['that acknowledge nothing', encodeFrame(channels.ack, Buffer.alloc(8))],
  ])('%s keep nobody waiting', async (_, frame) => {
    const path = served.servers.http[0]!.slice('unix://'.length);
    const socket = await open(path);
    socket.resume();
    socket.write(
      webSocketHead('/api/v1/sandboxes/default/box/exec?command=sh&command=-c&command=cat&stdin=1'),
    );
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => webSocketFrame(frame)));
    const before = heapInUse();
    for (let i = 0; i < FRAMES / 1_000; i++) {
      if (!socket.write(many)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
      expect(await served.core.sandboxes.list({})).toHaveLength(1);
    }
    expect(heapInUse() - before).toBeLessThan(32 * 1024 * 1024);
    socket.destroy();
    while (inner.openSessions.size > 0) await setImmediate();
  });

  it('of a client that reads nothing are not read for long', async () => {
    const path = served.servers.http[0]!.slice('unix://'.length);
    const hello = webSocketHead(
      '/api/v1/sandboxes/default/box/exec?command=sh&command=-c&command=cat&stdin=1',
    );
    const socket = await deafClient(path, hello);
    const frame = webSocketFrame(encodeFrame(channels.stdin, Buffer.from('x')));
    const many = Buffer.concat(Array<Buffer>(1_000).fill(frame));
    const other = () => served.core.sandboxes.list({});
    expect(await flood(socket, many, 1_000, other)).toBeLessThan(1_000);
    socket.destroy();
    while (inner.openSessions.size > 0) await setImmediate();
  });
});
