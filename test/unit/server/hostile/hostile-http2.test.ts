import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { deafClient } from '../../../helpers/core/raw-stream.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';
import { heapInUse } from '../../../helpers/heap-in-use.ts';

/** FSB_TEST_FRAMES=1000000 makes it a million. */
const FRAMES = Number(process.env.FSB_TEST_FRAMES ?? 10_000);
const AT_ONCE = 1_000;
const MIB = 1024 * 1024;

const types = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, windowUpdate: 8, continuation: 9 };
const END_HEADERS = 4;

function frame(type: keyof typeof types, stream: number, payload: Buffer, flags = 0): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = types[type];
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** POST http://localhost/fsb.v1.SystemService/Watch, as gRPC: literal fields, none indexed. */
const call = Buffer.concat([
  Buffer.from([0x83, 0x86]),
  ...[
    [':path', '/fsb.v1.SystemService/Watch'],
    [':authority', 'localhost'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
  ].flatMap(([name, value]) => [
    Buffer.from([0, name!.length]),
    Buffer.from(name!),
    Buffer.from([value!.length]),
    Buffer.from(value!),
  ]),
]);
const open = (stream: number): Buffer => frame('headers', stream, call, END_HEADERS);
const preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame('settings', 0, Buffer.alloc(0)),
]);
const cancel = Buffer.from([0, 0, 0, 8]);

/** Of those that read what they are answered: it costs no more than their frames. */
const ANY = ['ended', 'stuck', 'written'];

let inner: HostCore;
let served: ServedCore;
beforeEach(async () => {
  inner = hostCore();
  served = await serveAndConnect(inner, 'unix');
  await served.core.system.info();
});
afterEach(async () => {
  await served.close();
  await inner.close();
});

/** Writes frames until it has written all, or the other end has hung up or does not read any more; others are answered meanwhile. */
async function flood(socket: Socket, next: (n: number) => Buffer): Promise<'ended' | 'stuck' | 'written'> {
  for (let n = 0; n < FRAMES; n += AT_ONCE) {
    if (socket.destroyed) return 'ended';
    const ready = socket.write(Buffer.concat(Array.from({ length: AT_ONCE }, (_, i) => next(n + i))));
    for (let calls = 0; calls < 30 && socket.writableNeedDrain && !socket.destroyed; calls++)
      await served.core.system.info();
    if (!ready && socket.writableNeedDrain) return socket.destroyed ? 'ended' : 'stuck';
    await served.core.system.info();
  }
  return socket.destroyed ? 'ended' : 'written';
}

const ping = frame('ping', 0, Buffer.alloc(8));
const settings = frame('settings', 0, Buffer.alloc(0));

describe('a client that abuses HTTP/2 is bounded, and others are answered:', () => {
  it.each<[string, string[], Buffer, (n: number) => Buffer]>([
    [
      'streams that are reset at once',
      ANY,
      preface,
      (n) => Buffer.concat([open(2 * n + 1), frame('reset', 2 * n + 1, cancel)]),
    ],
    ['pings, of which no answer is read', ['ended'], preface, () => ping],
    ['settings, of which no answer is read', ['ended'], preface, () => settings],
    [
      'header fields without end',
      ['ended'],
      Buffer.concat([preface, frame('headers', 1, call)]),
      () => frame('continuation', 1, Buffer.from('\0\x01a\x01b')),
    ],
    [
      'messages of a byte at a time',
      ANY,
      Buffer.concat([preface, open(1)]),
      () => frame('data', 1, Buffer.of(0)),
    ],
    [
      'data of nothing',
      ['ended'],
      Buffer.concat([preface, open(1)]),
      () => frame('data', 1, Buffer.alloc(0)),
    ],
    [
      'room for a byte at a time',
      ANY,
      Buffer.concat([preface, open(1)]),
      () => frame('windowUpdate', 1, Buffer.from([0, 0, 0, 1])),
    ],
    ['more streams than there may be', ['ended', 'stuck'], preface, (n) => open(2 * n + 1)],
  ])('%s', async (_, outcomes, hello, next) => {
    const path = served.servers.grpc[0]!.slice('unix://'.length);
    const socket = await deafClient(path, hello);
    if (outcomes === ANY) socket.resume();
    const before = heapInUse();
    const how = await flood(socket, next);
    expect(outcomes).toContain(how);
    expect(heapInUse() - before).toBeLessThan(32 * MIB);
    const gone = socket.destroyed ? undefined : once(socket, 'close');
    socket.destroy();
    await gone;
    await served.core.system.info();
  });
});
