/** The client's own WebSocket over unix sockets against that of the library, and against others. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import type { FrameSocket } from '../../../src/core/client/stream/frame-socket.ts';
import { openSocket } from '../../../src/core/client/stream/open-socket.ts';
import type { FsbError } from '../../../src/core/model/failure/errors.ts';
import { type Tracer, useTracer } from '../../../src/core/model/trace.ts';
import { channels, encodeFrame } from '../../../src/core/wire/stream/frames.ts';

let directory: string;
let path: string;
let server: Server;
const sockets = new Set<Socket>();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fsb-unix-socket-'));
  path = join(directory, 'http.sock');
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server.close();
  await rm(directory, { recursive: true });
});

async function listen(one: Server): Promise<void> {
  server = one;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await once(server.listen(path), 'listening');
}

interface Heard {
  frames: string[];
  ends: [string, boolean][];
  ended: Promise<unknown>;
}

async function open(signal?: AbortSignal): Promise<FrameSocket & Heard> {
  const heard = { frames: [] as string[], ends: [] as [string, boolean][] };
  let tell: (value?: unknown) => void;
  const ended = new Promise((resolve) => {
    tell = resolve;
  });
  const events = {
    onFrame: ({ channel, payload }: { channel: number; payload: Buffer }) => {
      heard.frames.push(`${channel} ${payload}`);
    },
    onEnd: (error: FsbError, broken: boolean) => {
      heard.ends.push([error.message, broken]);
      tell();
    },
  };
  const socket = await openSocket({ kind: 'unix', path }, '/stream?a=b', events, signal);
  return Object.assign(socket, heard, { ended });
}

describe('with a core', () => {
  let peers: WebSocketServer;
  let asked: string[];
  let greet: (ws: WebSocket) => void;
  beforeEach(async () => {
    asked = [];
    greet = () => {};
    const http = createHttpServer();
    peers = new WebSocketServer({ server: http, handleProtocols: () => 'fsb.v1' });
    peers.on('connection', (ws, { url, headers }) => {
      asked.push(`${url} ${headers['sec-websocket-protocol']} ${headers.host}`);
      ws.on('error', () => {});
      greet(ws);
    });
    await listen(http);
  });
  const peer = (): WebSocket => [...peers.clients][0]!;

  it('frames go both ways, and those right behind the answer are heard', async () => {
    greet = (ws) => ws.send(encodeFrame(channels.stdout, Buffer.from('first')));
    const socket = await open();
    const said = once(peer(), 'message');
    socket.send(encodeFrame(channels.stdin, Buffer.alloc(100_000, 'x')));
    expect((await said)[0].length).toBe(100_001);
    peer().send(encodeFrame(channels.stderr, Buffer.from('second')));
    await expect.poll(() => socket.frames).toEqual(['1 first', '2 second']);
    expect(asked).toEqual(['/stream?a=b fsb.v1 localhost']);
    const closed = once(peer(), 'close');
    await socket.close();
    await socket.close();
    expect((await closed)[0]).toBe(1000);
    expect(socket.ends).toEqual([['the core ended, or the connection to it broke', false]]);
  });

  it('a ping is answered, and a pong is nothing', async () => {
    const socket = await open();
    const pong = once(peer(), 'pong');
    peer().pong('unasked');
    peer().ping('are you there');
    expect(String((await pong)[0])).toBe('are you there');
    socket.destroy();
  });

  it('a close is answered, and its reason is told', async () => {
    const socket = await open();
    const closed = once(peer(), 'close');
    peer().close(1001, 'the core is going away');
    peer().close();
    await socket.ended;
    expect(socket.ends).toEqual([['the core is going away', false]]);
    expect((await closed)[0]).toBe(1001);
    socket.send(encodeFrame(channels.stdin));
    await socket.close();
  });

  it('a connection that breaks is told as broken', async () => {
    const socket = await open();
    peer().terminate();
    await socket.ended;
    expect(socket.ends).toEqual([['the core ended, or the connection to it broke', true]]);
  });

  it('who destroys it tells the core so', async () => {
    const socket = await open();
    const closed = once(peer(), 'close');
    socket.destroy();
    expect((await closed)[0]).toBe(1000);
    await socket.ended;
    expect(socket.ends).toHaveLength(1);
  });

  it.each([
    ['a text', (ws: WebSocket) => ws.send('text'), 'a message of kind 1'],
    ['one without a channel', (ws: WebSocket) => ws.send(Buffer.alloc(0)), 'without a channel byte'],
    [
      'one that is too long',
      (ws: WebSocket) => ws.send(Buffer.alloc(17 * 2 ** 20)),
      'a message of 17825792 bytes',
    ],
  ])('%s is no message of a core: it is told so, and the caller once', async (_, send, words) => {
    const socket = await open();
    const closed = once(peer(), 'close');
    send(peer());
    await socket.ended;
    expect((await closed)[0]).toBe(1002);
    expect(socket.ends).toEqual([[expect.stringContaining(words), false]]);
  });

  it('an interrupt before there is an answer, and one before it is asked, are the reason', async () => {
    peers.options.verifyClient = (_info: unknown, _answer: unknown) => {};
    const controller = new AbortController();
    const opening = open(controller.signal);
    setTimeout(() => controller.abort(new Error('enough')), 50);
    await expect(opening).rejects.toThrow('enough');
    await expect(open(AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
    // Whose connection that was sees its end.
    for (const socket of sockets) socket.resume();
    await expect.poll(() => [...sockets].every(({ readableEnded }) => readableEnded)).toBe(true);
  });
});

const refusal = JSON.stringify({ error: { code: 'not_found', message: 'sandbox box does not exist' } });
const refused = { code: 'not_found', message: 'sandbox box does not exist' };

it.each([
  ['goes then', '', (socket: Socket) => socket.end()],
  ['stays', `Content-Length: ${refusal.length}\r\n`, () => {}],
])('one that refuses and %s is asked once', async (_, header, act) => {
  let asked = 0;
  await listen(
    createServer((socket) => {
      asked += 1;
      socket.on('error', () => {});
      socket.write(`HTTP/1.1 404 Refused\r\n${header}\r\n${refusal}`);
      act(socket);
    }),
  );
  await expect(open()).rejects.toMatchObject(refused);
  expect(asked).toBe(1);
});

it.each([
  ['hangs up', (socket: Socket) => socket.destroy()],
  ['ends', (socket: Socket) => socket.end()],
  ['ends in the middle of its answer', (socket: Socket) => socket.end('HTTP/1.1 101 Switch')],
])('one that %s is one that was reached and has gone', async (_, act) => {
  await listen(
    createServer((socket) => {
      socket.on('error', () => {});
      act(socket);
    }),
  );
  await expect(open()).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('the connection was closed'),
  });
});

const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';

it.each([
  ['another protocol', `${SWITCHING}\r\n`, 'HTTP/1.1 101 Switching Protocols'],
  ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 'SSH-2.0-OpenSSH_9.2'],
  ['no end', `HTTP/1.1 101 ${'x'.repeat(20_000)}`, 'HTTP/1.1 101 xxx'],
])('one that answers with %s is no core', async (_, answer, part) => {
  await listen(
    createServer((socket) => {
      socket.on('error', () => {});
      socket.write(answer);
    }),
  );
  await expect(open()).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining(`does not answer as a core does (${part}`),
  });
});

describe('a core that', () => {
  const FRAME = Buffer.from([0x82, 3, channels.stdout, 0x68, 0x69]);
  const CLOSE = Buffer.from([0x88, 5, 3, 233, ...Buffer.from('bye')]);
  /** @returns the core's end */
  async function openTo(...answer: Buffer[]): Promise<[FrameSocket & Heard, Socket]> {
    let ours: Socket | undefined;
    const head = Buffer.from(`${SWITCHING}Sec-WebSocket-Protocol:fsb.v1 \r\n\r\n`);
    await listen(
      // It reads what comes and ends nothing.
      createServer({ allowHalfOpen: true }, (socket) => {
        ours = socket.on('error', () => {}).resume();
        socket.write(Buffer.concat([head, ...answer]));
      }),
    );
    return [await open(), ours!];
  }

  it('says all in one piece is heard, the last message when it is whole', async () => {
    const [socket, core] = await openTo(FRAME, FRAME.subarray(0, 3));
    core.write(FRAME.subarray(3));
    await expect.poll(() => socket.frames).toEqual(['1 hi', '1 hi']);
    socket.destroy();
  });

  it('closes and does not end is not waited for', async () => {
    const [socket] = await openTo(FRAME, CLOSE, FRAME);
    await socket.ended;
    expect([socket.frames, socket.ends]).toEqual([['1 hi'], [['bye', false]]]);
  });

  it('does not hear a close, and says more and more, is not waited for', async () => {
    const [socket, core] = await openTo();
    const saying = setInterval(() => core.write(FRAME), 100);
    await socket.close();
    clearInterval(saying);
    expect(socket.ends).toEqual([['the core ended, or the connection to it broke', true]]);
  });
});

it('a socket that is not there is told as the library tells it', async () => {
  server = createServer();
  await expect(open()).rejects.toMatchObject({
    code: 'unavailable',
    message: `cannot reach the core at unix://${path}: no such socket`,
  });
});

it('who traces says so', async () => {
  let asked = '';
  await listen(
    createServer((socket) => {
      socket.once('data', (question: Buffer) => {
        asked = String(question);
        socket.destroy();
      });
    }),
  );
  useTracer({ current: () => ({ traceparent: '00-1-2-01' }) } as Tracer);
  try {
    await open().catch(() => {});
  } finally {
    useTracer(undefined);
  }
  expect(asked).toContain('\r\ntraceparent: 00-1-2-01\r\n');
});
