import { createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { gate } from '../../helpers/gate.ts';
import { sha256 } from '../../helpers/image/image-files.ts';
import { type ClientFixture, createClient, readWhole } from '../../helpers/image/registry/client-fixture.ts';
import { type Listening, listen } from '../../helpers/image/registry/listening.ts';

/** What no HTTP library would send: a server that writes what it likes. */
let server: Listening;
let answer: (socket: Socket, request: string) => void;
let client: ClientFixture;
let requests = 0;

const content = Buffer.from('a layer');
const blob = { digest: sha256(content), size: content.length };
const MEBIBYTE = 1 << 20;
const SPACES = Buffer.alloc(65_536, ' ');

beforeEach(async () => {
  requests = 0;
  server = await listen(
    createServer((socket) =>
      socket.on('data', (data) => {
        requests += 1;
        answer(socket, data.toString('latin1'));
      }),
    ),
  );
  client = await createClient();
  await client.configure(`registries: { "${server.address}": { insecure: true } }`);
});
afterEach(async () => {
  await client.close();
  await server.stop();
});

const open = () => client.open(server.address, 'tool');
const headed = (status: string, headers: string[], body: Buffer | string = ''): void => {
  answer = (socket, request) => {
    // The client tries TLS first, which is no request.
    if (!/^(GET|HEAD) /.test(request)) return void socket.end();
    socket.write(`HTTP/1.1 ${status}\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`);
    socket.end(body);
  };
};

/** Chunks for as long as somebody reads them. `closed`: nobody does any more. */
function endlessly(
  status: string,
  headers: string[],
  first: Buffer = SPACES,
): { sent(): number; closed: Promise<void> } {
  let sent = 0;
  const closed = gate();
  answer = (socket, request) => {
    if (!request.startsWith('GET ')) return void socket.end();
    socket.once('close', closed.open);
    socket.write(`HTTP/1.1 ${status}\r\n${[...headers, 'Transfer-Encoding: chunked'].join('\r\n')}\r\n\r\n`);
    // What is written from the callback of a failed write fails at once, in a loop that never ends: the error comes before
    // the socket is destroyed.
    const send = (chunk: Buffer, error?: Error | null): void => {
      if (error) return;
      sent += chunk.length;
      socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`, (error) => send(SPACES, error));
    };
    send(first);
  };
  return { sent: () => sent, closed: closed.promise };
}

/** Clear, short, and after few attempts. */
async function failure(reading: Promise<unknown>): Promise<FsbError> {
  const error = await reading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(FsbError);
  const { code, message } = error as FsbError;
  expect(code).not.toBe('internal');
  expect(message).toContain(server.address);
  expect(message.length).toBeLessThan(600);
  expect(message).not.toMatch(/\p{Cc}/u);
  expect(requests).toBeLessThanOrEqual(30);
  return error as FsbError;
}

describe('a manifest in an answer', () => {
  it.each([
    ['with one header of a mebibyte', '200 OK', [`X: ${'x'.repeat(MEBIBYTE)}`]],
    ['with a hundred thousand headers', '200 OK', Array.from({ length: 100_000 }, (_, at) => `X-${at}: x`)],
    ['with a negative length', '200 OK', ['Content-Length: -1']],
    ['with two lengths', '200 OK', ['Content-Length: 1', 'Content-Length: 2']],
    ['with a length and chunks', '200 OK', ['Content-Length: 1', 'Transfer-Encoding: chunked']],
    ['with chunks of no length', '200 OK', ['Transfer-Encoding: chunked'], 'zz\r\nnonsense\r\n'],
    ['with a chunk that is too long', '200 OK', ['Transfer-Encoding: chunked'], `${'f'.repeat(30)}\r\nx`],
    ['with a length that is far too long', '200 OK', ['Content-Length: 99999999999999999999999'], '{}'],
    ['with a length that does not come', '200 OK', ['Content-Length: 9007199254740991'], '{}'],
    [
      'that goes round in circles',
      '307 Temporary Redirect',
      ['Location: /v2/tool/manifests/latest', 'Content-Length: 0'],
    ],
    ['that goes nowhere', '307 Temporary Redirect', ['Location: http://:99999/\u00e4', 'Content-Length: 0']],
    [
      'that goes into a file',
      '307 Temporary Redirect',
      ['Location: file:///etc/passwd', 'Content-Length: 0'],
    ],
    ['of status 999', '999 Nonsense', ['Content-Length: 0']],
    ['of status 204', '204 No Content', []],
  ] as [string, string, string[], string?][])('%s', async (_, status, headers, body) => {
    headed(status, headers, body);
    await failure((await open()).manifest('latest'));
  });

  it('that is no HTTP', async () => {
    answer = (socket) => void socket.end('\x1b[31mSSH-2.0-OpenSSH\r\n');
    await failure((await open()).manifest('latest'));
  });

  it('with a type of control characters and no end', async () => {
    headed('200 OK', ['Content-Length: 2', `Content-Type: ${'\u009b'.repeat(3)}${'x'.repeat(5000)}`], '[]');
    await expect((await open()).manifest('latest')).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('that never ends: eight mebibytes of it are read', async () => {
    const endless = endlessly('200 OK', []);
    const error = await failure((await open()).manifest('latest'));
    expect(error.message).toContain('8 MiB');
    await endless.closed;
    expect(endless.sent()).toBeLessThan(32 * MEBIBYTE);
  });

  it.each(['sha256:', 'sha512:abc', '\u00ff'.repeat(1000), `sha256:${'A'.repeat(64)}`])(
    'with a digest that is none is believed by its own: %j',
    async (digest) => {
      const body = JSON.stringify({ schemaVersion: 2, config: {}, layers: [] });
      headed('200 OK', [`Content-Length: ${body.length}`, `Docker-Content-Digest: ${digest}`], body);
      expect((await (await open()).manifest('latest')).digest).toBe(sha256(body));
      expect(await (await open()).digestOf('latest')).toBeUndefined();
    },
  );

  it.each([
    ['31536000', 60_000],
    ['9'.repeat(400), 60_000],
    ['NaN', 500],
    ['-5', 500],
    ['1e9', 500],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 60_000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ])('that is to be waited for: Retry-After %s', async (after, wait) => {
    headed('503 Service Unavailable', [`Retry-After: ${after}`, 'Content-Length: 0']);
    await failure((await open()).manifest('latest'));
    expect(client.waits.slice(0, 1)).toEqual([wait]);
    expect(Math.max(...client.waits)).toBeLessThanOrEqual(60_000);
  });

  it.each([
    ['too long to be read', `Bearer realm="${'a'.repeat(100 * 1024)}"`],
    ['with many words', `Bearer ${'a='.repeat(7000)}`],
    ['with a realm that is no address', 'Bearer realm="nowhere"'],
    ['with a realm that is a file', 'Bearer realm="file:///etc/passwd"'],
  ])('that wants a login %s', async (_, challenge) => {
    headed('401 Unauthorized', [`WWW-Authenticate: ${challenge}`, 'Content-Length: 0']);
    await failure((await open()).manifest('latest'));
  });
});

describe('a blob in an answer', () => {
  it.each([
    ['with a negative length', '200 OK', ['Content-Length: -7']],
    ['with a length that is no number', '200 OK', ['Content-Length: seven']],
    ['with a length of another blob', '200 OK', ['Content-Length: 9007199254740991']],
    ['with a part that it does not name', '206 Partial Content', ['Content-Length: 7']],
    ['with a part of nonsense', '206 Partial Content', ['Content-Range: bytes x-y/z', 'Content-Length: 7']],
    [
      'with a part behind the end',
      '206 Partial Content',
      ['Content-Range: bytes 999-9999/7', 'Content-Length: 7'],
    ],
    [
      'with a part of something larger',
      '206 Partial Content',
      ['Content-Range: bytes 0-6/9', 'Content-Length: 7'],
    ],
    ['with a part backwards', '206 Partial Content', ['Content-Range: bytes 6-0/7', 'Content-Length: 7']],
  ])('%s', async (_, status, headers) => {
    headed(status, headers, 'not it!!');
    await failure(readWhole(await open(), blob, { offset: 1 }));
  });

  it.each([
    ['whole', '200 OK', [], SPACES],
    ['whole, and more behind it', '200 OK', [], content],
    ['as a part', '206 Partial Content', ['Content-Range: bytes 1-6/7'], SPACES],
  ] as [string, string, string[], Buffer][])(
    'that never ends, %s: no more of it is read',
    async (_, status, headers, first) => {
      const endless = endlessly(status, headers, first);
      const error = await failure(readWhole(await open(), blob, { offset: 1 }));
      expect(error.message).toContain('more than the 7 bytes');
      await endless.closed;
      expect(endless.sent()).toBeLessThan(32 * MEBIBYTE);
    },
  );
});
