/** Long answers, and streams of them, that their caller asks for and does not read. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LOCAL_CALLER } from '../../../../src/core/model/caller.ts';
import { UnreadAnswers } from '../../../../src/core/server/auth/unread-answers.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type SecureCore, serveSecurely, sha256 } from '../../../helpers/core/secure-core.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

const MIB = 1024 * 1024;
const ENHANCE_YOUR_CALM = 11;
const tokenOf = (name: string): string => `token-of-the-tests-${name}`;
const entry = (name: string) => ({ name, sha256: sha256(tokenOf(name)), scopes: ['use'] });
const ci = { name: 'ci', scopes: ['use' as const], namespaces: 'all' as const };

it('are dropped when there is no room for more of a caller, and after a while', async () => {
  const clock = createManualClock();
  const answers = new UnreadAnswers(clock);
  let cut = 0;
  const hold = (caller: typeof ci | typeof LOCAL_CALLER, bytes: number) =>
    answers.hold(caller, bytes, () => {
      cut += 1;
    });
  const taken = hold(ci, 40 * MIB);
  hold(ci, 25 * MIB);
  expect(cut).toBe(1);
  taken();
  taken();
  const late = hold(ci, 60 * MIB);
  hold(ci, 1000);
  hold(LOCAL_CALLER, 1000 * MIB);
  hold({ ...ci, name: 'other' }, 20 * MIB)();
  expect([cut, clock.pending]).toEqual([1, 1]);
  await clock.advance(60_000 + 60 * 15_000);
  expect(cut).toBe(2);
  late();
  hold(ci, 60 * MIB)();
  expect([cut, clock.pending]).toEqual([2, 0]);
});

const ONE = 15;
const ASKED = 8;

let inner: HostCore;
let place: SecureCore;
let session: ClientHttp2Session;
const sockets: TLSSocket[] = [];
beforeEach(async () => {
  inner = hostCore();
  place = await serveSecurely(inner, { list: { tokens: [entry('ci'), entry('other')] } });
  // The kernel would not take it.
  const args = ['x'.repeat(1_000_000)];
  for (let n = 0; n < ONE; n++)
    await inner.sandboxes.create({
      ...{ namespace: 'default', name: `box-${n}`, spec: { image: 'host', command: ['true'] } },
    });
  const { page } = inner.sandboxes;
  inner.sandboxes.page = async (...asked) => {
    const found = await page.apply(inner.sandboxes, asked);
    return { ...found, items: found.items.map((one) => ({ ...one, spec: { ...one.spec, args } })) };
  };
  const { watch } = inner.sandboxes;
  inner.sandboxes.watch = async function* (...asked) {
    const long = Array<string>(ONE).fill(args[0]!);
    for await (const news of watch.apply(inner.sandboxes, asked))
      yield news.sandbox === undefined
        ? news
        : { ...news, sandbox: { ...news.sandbox, spec: { ...news.sandbox.spec, args: long } } };
  };
  session = sessionOf(0);
});
afterEach(async () => {
  session.destroy();
  for (const socket of sockets.splice(0)) socket.destroy();
  await place[Symbol.asyncDispose]();
  await inner.close();
});

function sessionOf(initialWindowSize: number): ClientHttp2Session {
  const ca = readFileSync(place.authority.ca);
  const made = connect(`https://${place.servers.grpc[0]}`, { ca, settings: { initialWindowSize } });
  return made.on('error', () => {});
}

/** An answer is read as far as the window of its session goes: of the common one, which is nowhere. */
function ask(path: string, on = session): ClientHttp2Stream {
  const stream = on.request({
    ...{ ':method': 'POST', ':path': path },
    ...{ 'content-type': 'application/grpc', te: 'trailers', authorization: `Bearer ${tokenOf('ci')}` },
  });
  stream.on('error', () => {});
  stream.end(Buffer.alloc(5));
  return stream;
}

const REFUSED = /^there is no room for an answer of 14.*: 5.* of ci wait to be read$/;

it.each(['ListSandboxes', 'WatchSandboxes'])(
  'are bounded by their bytes over gRPC, and who has no room is told so: %s',
  { timeout: 60_000 },
  async (method) => {
    const refused: unknown[] = [];
    for (let n = 0; n < ASKED; n++)
      ask(`/fastpath.v1.FastPathService/${method}`).once('response', (headers) => {
        const status = headers['grpc-status'];
        if (status !== undefined) refused.push([status, decodeURI(String(headers['grpc-message']))]);
      });
    await expect.poll(() => refused, { timeout: 20_000 }).toHaveLength(ASKED - 4);
    for (const one of refused) expect(one).toEqual(['8', expect.stringMatching(REFUSED)]);
    expect(await place.client({ token: tokenOf('other') }).sandboxes.list({})).toHaveLength(ONE);
  },
);

/** Takes what one caller has, on the common session, and begins a stream on another one. */
async function streamWithoutRoom(on: ClientHttp2Session): Promise<ClientHttp2Stream> {
  let isAsked = (): void => {};
  const asked = new Promise<void>((resolve) => {
    isAsked = resolve;
  });
  inner.images.save = async function* () {
    yield Buffer.alloc(1);
    await asked;
    yield Buffer.alloc(8 * MIB);
  };
  const stream = ask('/fsb.v1.ImageService/Save', on);
  await once(stream, 'response');
  for (let n = 0; n < 4; n++) await once(ask('/fastpath.v1.FastPathService/ListSandboxes'), 'response');
  isAsked();
  return stream;
}

it('a stream over gRPC that has begun is told so, too', { timeout: 60_000 }, async () => {
  const other = sessionOf(65_535);
  const stream = await streamWithoutRoom(other);
  stream.resume();
  const [trailers] = await once(stream, 'trailers');
  expect(trailers['grpc-status']).toBe('8');
  expect(decodeURI(trailers['grpc-message'])).toMatch(/^there is no room for an answer of 8MiB/);
  other.destroy();
});

it('a stream that does not read even that is cut off', { timeout: 60_000 }, async () => {
  await place[Symbol.asyncDispose]();
  const clock = createManualClock();
  place = await serveSecurely(inner, { list: { tokens: [entry('ci'), entry('other')] }, clock });
  session.destroy();
  session = sessionOf(0);
  // The first message, and no byte more.
  const other = sessionOf(8);
  const stream = await streamWithoutRoom(other);
  let isClosed = false;
  stream.once('close', () => {
    isClosed = true;
  });
  while (!isClosed) {
    await clock.advance(1000);
    await new Promise(setImmediate);
  }
  expect(stream.rstCode).toBe(ENHANCE_YOUR_CALM);
  other.destroy();
});

/** A connection on which a caller asks for something so many times in one go, and does not read. */
async function askOverHttp(path: string, times = 1): Promise<TLSSocket> {
  const [host, port] = place.servers.http[0]!.split(':');
  const socket = connectTls({ host, port: Number(port), ca: readFileSync(place.authority.ca) });
  sockets.push(socket);
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  socket.pause();
  const question = `GET /api/v1/${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${tokenOf('ci')}\r\n\r\n`;
  socket.write(question.repeat(times));
  return socket;
}

it('are bounded by their bytes over HTTP, and who has no room is told so', { timeout: 60_000 }, async () => {
  for (let n = 0; n < 4; n++) await askOverHttp('sandboxes');
  const fifth = await askOverHttp('sandboxes');
  let text = '';
  fifth.on('data', (data) => {
    text += data;
  });
  fifth.resume();
  await expect.poll(() => text, { timeout: 20_000 }).toMatch(/\}\n$/);
  expect(text).toMatch(/^HTTP\/1\.1 429 /);
  const { error } = JSON.parse(text.slice(text.indexOf('{')));
  expect(error).toMatchObject({ code: 'no_capacity', message: expect.stringMatching(REFUSED) });
});

it('are made one after the other, of those that are asked for in one go', { timeout: 60_000 }, async () => {
  const { page } = inner.sandboxes;
  let made = 0;
  inner.sandboxes.page = (...asked) => {
    made += 1;
    return page.apply(inner.sandboxes, asked);
  };
  const socket = await askOverHttp('sandboxes', 3);
  await expect.poll(() => made, { timeout: 20_000 }).toBe(1);
  // The same loop answers others meanwhile.
  await place.client({ token: tokenOf('other') }).system.info();
  expect(made).toBe(1);
  socket.resume();
  await expect.poll(() => made, { timeout: 20_000 }).toBe(3);
});

it('of a stream over HTTP are bounded by their bytes', { timeout: 60_000 }, async () => {
  for (let n = 0; n < ASKED; n++) await askOverHttp('watch');
  let dropped = 0;
  // Who does not read does not hear of an end: it is seen in what can be written.
  const drip = setInterval(() => {
    for (const socket of sockets) if (!socket.destroyed) socket.write('\r\n');
    dropped = sockets.filter(({ destroyed }) => destroyed).length;
  }, 100);
  await expect.poll(() => dropped, { timeout: 20_000 }).toBeGreaterThanOrEqual(ASKED - 5);
  clearInterval(drip);
});

it('of a stream over gRPC one message is here at a time, and one that is read does not count', {
  timeout: 60_000,
}, async () => {
  let told = 0;
  inner.images.save = async function* () {
    for (; told < 200; yield Buffer.alloc(MIB)) told += 1;
  };
  const stream = ask('/fsb.v1.ImageService/Save');
  await expect.poll(() => told, { timeout: 20_000 }).toBe(1);
  // What is behind the first message is asked for in turns of the loop: nothing else would tell that there is no second one.
  await place.client({ token: tokenOf('other') }).system.info();
  expect(told).toBe(1);
  session.settings({ initialWindowSize: 2 ** 30 });
  session.setLocalWindowSize(2 ** 30);
  stream.resume();
  await once(stream, 'close');
  expect([told, stream.rstCode]).toEqual([200, 0]);
});
