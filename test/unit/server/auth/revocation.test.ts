import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import type { Caller } from '../../../../src/core/model/caller.ts';
import { systemClock } from '../../../../src/core/model/clock.ts';
import type { ErrorBody } from '../../../../src/core/model/failure/errors.ts';
import { wholeLog } from '../../../../src/core/model/logs.ts';
import { type Known, Tenures } from '../../../../src/core/server/auth/tenures.ts';
import { errorOf, execOf } from '../../../contract/workbench.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type SecureCore, serveSecurely, sha256, TOKEN } from '../../../helpers/core/secure-core.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

const MINE = 'mine-token-0123456789';
const OTHER = 'other-token-0123456789';
const UNAUTHENTICATED = '16';
const box = { namespace: 'shop', name: 'box' };
const root = { name: 'root', sha256: sha256(TOKEN), scopes: ['admin'] };
const mine = { name: 'mine', sha256: sha256(MINE), scopes: ['use'], namespaces: ['shop'] };
const other = { ...mine, name: 'other', sha256: sha256(OTHER) };

/** A second of it is a moment. */
const clock = {
  ...systemClock,
  after: (ms: number, callback: () => void) => systemClock.after(ms / 20, callback),
};

/** Something that goes on, and what it ends with. */
interface Open {
  ending: Promise<ErrorBody>;
}

function disposable(session: ClientHttp2Session): ClientHttp2Session & Disposable {
  session.on('error', () => {});
  return Object.assign(session, { [Symbol.dispose]: () => session.destroy() });
}

async function reading<T>(items: AsyncIterable<T>): Promise<Open> {
  const iterator = items[Symbol.asyncIterator]();
  await iterator.next();
  const rest = async (): Promise<void> => {
    while (!(await iterator.next()).done);
  };
  return { ending: errorOf(rest()) };
}

const opened: [string, (core: CoreApi) => Promise<Open>][] = [
  ['a followed log', (core) => reading(core.sandboxes.logs(box, { ...wholeLog, follow: true }))],
  ['a watch', (core) => reading(core.sandboxes.watch({ namespace: 'shop' }))],
  [
    'a command',
    async (core) => ({
      ending: errorOf((await core.sandboxes.exec(box, execOf(['sleep', '1000']))).exited),
    }),
  ],
  [
    'a call that waits',
    async (core) => {
      const ending = errorOf(core.sandboxes.wait(box));
      await core.sandboxes.get(box);
      return { ending };
    },
  ],
];

describe('what somebody has open', () => {
  let inner: HostCore;
  let place: SecureCore;
  const say = (...tokens: object[]): void => writeFileSync(place.tokenFile, JSON.stringify({ tokens }));
  beforeEach(async () => {
    inner = hostCore();
    const certificates = [{ subject: 'robot', scopes: ['read'] }];
    const list = { tokens: [root, mine, other], certificates };
    place = await serveSecurely(inner, { list, clientCa: true, clock });
    const command = ['sh', '-c', 'echo up; sleep 1000'];
    await inner.sandboxes.create({ ...box, spec: { image: 'host', command } });
  });
  afterEach(async () => {
    await place[Symbol.asyncDispose]();
    expect(inner.openSessions.size).toBe(0);
    await inner.close();
  });

  it.each(opened)('ends when their token is taken back, and others go on: %s', async (_, open) => {
    const { ending } = await open(place.client({ token: MINE }));
    let hasEnded = false;
    const others = await open(place.client({ token: OTHER }));
    void others.ending.then(() => {
      hasEnded = true;
    });
    say(root, other);
    expect(await ending).toMatchObject({
      ...{ code: 'unauthenticated', message: expect.stringContaining('taken back') },
      hint: expect.any(String),
    });
    expect(hasEnded).toBe(false);
    say(root);
    expect((await others.ending).code).toBe('unauthenticated');
  });

  it.each([
    ['has fewer rights', { ...mine, scopes: ['read'] }],
    ['may enter other namespaces', { ...mine, namespaces: ['shop', 'more'] }],
    ['is over', { ...mine, expires: '2020-01-31T00:00:00Z' }],
    ['is another one', { ...mine, sha256: sha256(`${MINE}-new`) }],
  ])('ends when their token %s', async (_, changed) => {
    const { ending } = await opened[0]![1](place.client({ token: MINE }));
    say(root, changed);
    expect((await ending).code).toBe('unauthenticated');
  });

  it('goes on when the file has other callers, and when it cannot be read', async () => {
    const { ending } = await opened[0]![1](place.client({ token: OTHER }));
    const session = await place.client({ token: MINE }).sandboxes.exec(box, execOf(['cat'], { stdin: true }));
    say(mine, root);
    await ending;
    writeFileSync(place.tokenFile, '{ broken');
    await new Promise((resolve) => clock.after(3000, () => resolve(undefined)));
    await session.write(Buffer.from('still here'));
    session.endInput();
    expect((await session.exited).code).toBe(0);
  });

  it('ends when their certificate is taken off the list', async () => {
    const { cert, key } = place.authority.issue({ name: 'robot', names: 'DNS:robot' });
    const tls = { cert: readFileSync(cert), key: readFileSync(key), token: null };
    const { ending } = await opened[0]![1](place.client(tls));
    writeFileSync(place.tokenFile, JSON.stringify({ tokens: [root], certificates: [] }));
    expect((await ending).code).toBe('unauthenticated');
  });

  it('goes on for others over a connection that was of one whose token is taken back', async () => {
    const ca = readFileSync(place.authority.ca);
    using session = disposable(connectHttp2(`https://${place.servers.grpc[0]}`, { ca }));
    const follow = (token: string): Promise<unknown> => {
      const stream = session.request({
        ...{ ':method': 'POST', ':path': '/fsb.v1.SystemService/Watch', te: 'trailers' },
        ...{ 'content-type': 'application/grpc', authorization: `Bearer ${token}` },
      });
      stream.on('error', () => {});
      stream.end(Buffer.alloc(5));
      // Without an event before, its first headers are its last.
      return once(stream.resume(), 'response').then(([headers]) => headers['grpc-status']);
    };
    const mineEnds = follow(MINE);
    let haveOthersEnded = false;
    const others = follow(OTHER).finally(() => {
      haveOthersEnded = true;
    });
    await once(session, 'connect');
    await new Promise((answered) => session.ping(answered));
    say(root, other);
    expect(await mineEnds).toBe(UNAUTHENTICATED);
    await new Promise((resolve) => clock.after(25_000, () => resolve(undefined)));
    expect([haveOthersEnded, session.closed]).toEqual([false, false]);
    say(root);
    expect(await others).toBe(UNAUTHENTICATED);
  });

  it('ends over plain HTTP, in the midst of an answer and before it', async () => {
    const [host, port] = place.servers.http[0]!.split(':');
    const ask = async (method: string, path: string): Promise<IncomingMessage> => {
      const call = request({
        ...{ host, port, method, path, ca: readFileSync(place.authority.ca), agent: false },
        headers: { authorization: `Bearer ${MINE}`, 'content-type': 'application/json' },
      });
      call.end();
      const [answer] = await once(call, 'response');
      return answer as IncomingMessage;
    };
    const log = await ask('GET', '/api/v1/sandboxes/shop/box/logs?follow=true');
    await once(log, 'data');
    const cut = once(log.resume(), 'error');
    const waits = ask('POST', '/api/v1/sandboxes/shop/box/wait');
    await place.client({ token: MINE }).sandboxes.get(box);
    say(root);
    expect(String(await cut)).toContain('aborted');
    expect((await waits).statusCode).toBe(401);
  });
});

describe('tenures', () => {
  const caller: Caller = { name: 'ci', scopes: ['use'], namespaces: 'all' };

  it('look once a second for each caller, only while something is open', async () => {
    const clock = createManualClock();
    const tenures = new Tenures(clock);
    let looks = 0;
    let isStill = true;
    const known = {
      caller,
      isStill: () => {
        looks += 1;
        return isStill;
      },
    };
    const over: ErrorBody[] = [];
    const leave = Array.from({ length: 3 }, () => tenures.begin(known, (why) => over.push(why)));
    await clock.advance(5000);
    expect(looks).toBe(5);
    leave[0]!();
    leave[0]!();
    isStill = false;
    await clock.advance(1000);
    expect(over).toHaveLength(2);
    expect(clock.pending).toBe(0);
    isStill = true;
    const last = tenures.begin(known, (why) => over.push(why));
    leave[1]!();
    expect(clock.pending).toBe(1);
    last();
    expect(clock.pending).toBe(0);
    expect(over).toHaveLength(2);
  });

  it('look once a second also when one is over and another one begins by that', async () => {
    const clock = createManualClock();
    const tenures = new Tenures(clock);
    const leave: (() => void)[] = [];
    const next: Known = { caller: { ...caller, name: 'next' }, isStill: () => true };
    tenures.begin({ caller, isStill: () => false }, () => leave.push(tenures.begin(next, () => {})));
    await clock.advance(1000);
    expect([leave.length, clock.pending]).toEqual([1, 1]);
    leave[0]!();
    expect(clock.pending).toBe(0);
  });
});
