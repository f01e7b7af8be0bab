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
  session = connect(`https://${place.servers.grpc[0]}`, {
    ...{ ca: readFileSync(place.authority.ca), settings: { initialWindowSize: 0 } },
  });
  session.on('error', () => {});
});
afterEach(async () => {
  session.destroy();
  for (const socket of sockets.splice(0)) socket.destroy();
  await place[Symbol.asyncDispose]();
  await inner.close();
});

/** An answer is read as far as the window of the session goes, which is nowhere. @param body of the frame with the question */
function ask(path: string, body = Buffer.alloc(5)): ClientHttp2Stream {
  const stream = session.request({
    ...{ ':method': 'POST', ':path': path },
    ...{ 'content-type': 'application/grpc', te: 'trailers', authorization: `Bearer ${tokenOf('ci')}` },
  });
  stream.on('error', () => {});
  stream.end(body);
  return stream;
}

it.each(['ListSandboxes', 'WatchSandboxes'])(
  'are bounded by their bytes over gRPC: %s',
  { timeout: 60_000 },
  async (method) => {
    let dropped = 0;
    for (let n = 0; n < ASKED; n++) {
      const stream = ask(`/fastpath.v1.FastPathService/${method}`);
      stream.once('close', () => {
        if (stream.rstCode === ENHANCE_YOUR_CALM) dropped += 1;
      });
    }
    await expect.poll(() => dropped, { timeout: 20_000 }).toBe(ASKED - 4);
    expect(await place.client({ token: tokenOf('other') }).sandboxes.list({})).toHaveLength(ONE);
  },
);

it.each(['sandboxes', 'watch'])(
  'are bounded by their bytes over HTTP: %s',
  { timeout: 60_000 },
  async (path) => {
    const [host, port] = place.servers.http[0]!.split(':');
    let dropped = 0;
    for (let n = 0; n < ASKED; n++) {
      const socket = connectTls({ host, port: Number(port), ca: readFileSync(place.authority.ca) });
      sockets.push(socket);
      socket.on('error', () => {});
      await once(socket, 'secureConnect');
      socket.pause();
      socket.write(
        `GET /api/v1/${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${tokenOf('ci')}\r\n\r\n`,
      );
    }
    // Who does not read does not hear of an end: it is seen in what can be written.
    const drip = setInterval(() => {
      for (const socket of sockets) if (!socket.destroyed) socket.write('\r\n');
      dropped = sockets.filter(({ destroyed }) => destroyed).length;
    }, 100);
    await expect.poll(() => dropped, { timeout: 20_000 }).toBeGreaterThanOrEqual(ASKED - 5);
    clearInterval(drip);
  },
);

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
