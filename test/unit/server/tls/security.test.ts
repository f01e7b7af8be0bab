import { chmodSync, copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectCore } from '../../../../src/core/client/connect-core.ts';
import { systemClock } from '../../../../src/core/model/clock.ts';
import type { ErrorCode } from '../../../../src/core/model/failure/errors.ts';
import { startServers } from '../../../../src/core/server/servers.ts';
import { errorOf, execOf, finish } from '../../../contract/workbench.ts';
import { Authority } from '../../../helpers/core/certificates.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type SecureCore, serveSecurely, sha256, TOKEN } from '../../../helpers/core/secure-core.ts';

const box = { namespace: 'shop', name: 'box' };
const spec = { image: 'host', command: ['sleep', '1000'] };

const list = {
  tokens: [
    { name: 'root', sha256: sha256(TOKEN), scopes: ['admin'] },
    { name: 'watcher', sha256: sha256('watcher-token-0123456789'), scopes: ['read'] },
    { name: 'shop', sha256: sha256('shop-token-0123456789'), scopes: ['use'], namespaces: ['shop'] },
    {
      ...{ name: 'late', sha256: sha256('late-token-0123456789'), scopes: ['admin'] },
      expires: '2020-01-31T00:00:00Z',
    },
  ],
  certificates: [{ subject: 'robot', scopes: ['read'] }],
};

describe('a core behind TLS', () => {
  let inner: HostCore;
  let place: SecureCore;
  let skipped = 0;
  // The failures of one test must not count in the next.
  const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + skipped };
  afterEach(() => {
    skipped += 120_000;
  });
  beforeAll(async () => {
    inner = hostCore();
    place = await serveSecurely(inner, { list, clientCa: true, metrics: '127.0.0.1:0', clock });
    await inner.sandboxes.create({ ...box, spec });
    await inner.sandboxes.create({ namespace: 'other', name: 'secret', spec });
  });
  afterAll(async () => {
    await place[Symbol.asyncDispose]();
    await inner.close();
  });

  const ask = (
    path: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: string; headers: IncomingHttpHeaders }> =>
    new Promise((resolve, reject) => {
      const [host, port] = place.servers.http[0]!.split(':');
      const call = request(
        { host, port, path, headers, ca: readFileSync(place.authority.ca), agent: false },
        (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (piece: string) => {
            body += piece;
          });
          const { statusCode: status = 0, headers } = response;
          response.on('end', () => resolve({ status, body, headers }));
        },
      );
      call.on('error', reject);
      call.end();
    });

  it('serves calls and streams to who has a token', async () => {
    const core = place.client();
    expect((await core.sandboxes.list({})).map(({ name }) => name)).toEqual(['secret', 'box']);
    const { stdout } = await finish(await core.sandboxes.exec(box, execOf(['echo', 'hi'])));
    expect(stdout.toString()).toBe('hi\n');
  });

  it.each([
    ['no token', { token: null }, 'unauthenticated'],
    ['a wrong token', { token: 'nobody-has-this-token' }, 'unauthenticated'],
    ['a token whose time is over', { token: 'late-token-0123456789' }, 'unauthenticated'],
  ] as [string, { token: string | null }, ErrorCode][])(
    'refuses %s, in calls and in streams',
    async (_, security, code) => {
      const core = place.client(security);
      for (const call of [() => core.sandboxes.list({}), () => core.sandboxes.exec(box, execOf(['true']))]) {
        const error = await errorOf(call());
        expect(error).toMatchObject({ code, hint: expect.any(String) });
        expect(JSON.stringify(error)).not.toContain(security.token ?? TOKEN);
      }
      const pulled = core.images.pull({ reference: 'x' })[Symbol.asyncIterator]().next();
      expect(await errorOf(pulled)).toMatchObject({ code });
      expect(await errorOf(core.images.import({ source: { path: '/x' } }))).toMatchObject({ code });
      expect(await errorOf(core.pools.lease({ pool: 'p' }))).toMatchObject({ code });
    },
  );

  it('has probes for everybody, and nothing else', async () => {
    expect(await ask('/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
    expect((await ask('/readyz')).status).toBe(200);
    for (const path of ['/api/v1/sandboxes', '/stats', '/tools', '/nowhere', '/healthz/../stats'])
      expect(await ask(path)).toMatchObject({
        ...{ status: 401, headers: { 'www-authenticate': 'Bearer realm="fsb-ctl"' } },
      });
    expect((await ask('/stats', { authorization: 'Basic eDp5' })).status).toBe(401);
    expect((await ask('/api/v1/sandboxes', { authorization: `bearer ${TOKEN}` })).status).toBe(200);
    const page = { authorization: `Bearer ${TOKEN}`, origin: 'https://evil.example' };
    expect((await ask('/api/v1/sandboxes', page)).status).toBe(403);
  });

  it.each(['Basic eDp5', `Token ${TOKEN}`, TOKEN, 'Bearer', 'Bearer two words'])(
    'tells who sends %s that it takes bearer tokens',
    async (authorization) => {
      const { status, body } = await ask('/stats', { authorization });
      expect(status).toBe(401);
      expect(JSON.parse(body).error).toEqual({
        code: 'unauthenticated',
        message: 'the header Authorization has no bearer token, and the core takes no other',
        hint: 'Send Authorization: Bearer TOKEN.',
      });
    },
  );

  it('says in a header, too, when to try again who is put off', async () => {
    const wrong = { authorization: 'Bearer nobody-has-this-token' };
    const answers = [];
    for (let i = 0; i < 12; i++) answers.push(await ask('/api/v1/sandboxes', wrong));
    const { status, body, headers } = answers.at(-1)!;
    expect(status).toBe(429);
    const seconds = Number(headers['retry-after']);
    expect(JSON.parse(body).error.hint).toBe(`Try again in ${seconds}s.`);
    expect(seconds).toBeGreaterThan(1);
    expect(answers[0]!.headers['retry-after']).toBeUndefined();
  });

  it('lets a watcher watch', async () => {
    const core = place.client({ token: 'watcher-token-0123456789' });
    expect(await core.sandboxes.list({})).toHaveLength(2);
    const denied = [
      () => core.sandboxes.create({ namespace: 'shop', name: 'x', spec }),
      () => core.sandboxes.exec(box, execOf(['true'])),
      () => core.sandboxes.delete(box),
      () => core.pools.delete('p'),
      () => core.system.removeSetAside(),
    ];
    for (const call of denied)
      expect(await errorOf(call())).toMatchObject({ code: 'denied', hint: expect.stringContaining('scope') });
    const metrics = await (await fetch(`http://${place.servers.metrics}/metrics`)).text();
    expect(metrics).toMatch(/fsb_refused_calls_total\{reason="forbidden"\} 5\n/);
  });

  it('keeps a caller in their namespaces, and says nothing of others', async () => {
    const core = place.client({ token: 'shop-token-0123456789' });
    expect((await core.sandboxes.list({})).map(({ name }) => name)).toEqual(['box']);
    const of = (name: string) => errorOf(core.sandboxes.get({ namespace: 'other', name }));
    expect(await of('secret')).toMatchObject({ code: 'denied' });
    expect(await of('nobody')).toEqual(await of('secret'));
    expect(await errorOf(core.sandboxes.list({ namespace: 'other' }))).toMatchObject({ code: 'denied' });
    expect(await errorOf(core.pools.leases())).toMatchObject({ code: 'denied' });
    const { stdout } = await finish(await core.sandboxes.exec(box, execOf(['echo', 'mine'])));
    expect(stdout.toString()).toBe('mine\n');
  });

  it('tells a caller of some namespaces whole pages, and no name of others in a page token', async () => {
    const shop = ['zoo-1', 'zoo-2'].map((name) => ({ namespace: 'shop', name }));
    for (const ref of shop) await inner.sandboxes.create({ ...ref, spec });
    const core = place.client({ token: 'shop-token-0123456789' });
    const told: string[] = [];
    let token: string | undefined;
    do {
      const page = await core.sandboxes.page({ limit: 1, token });
      expect(page.items).toHaveLength(1);
      told.push(page.items[0]!.name);
      token = page.next;
      expect(Buffer.from(token ?? '', 'base64url').toString()).not.toMatch(/other|secret/);
    } while (token !== undefined);
    expect(told).toEqual(['box', 'zoo-1', 'zoo-2']);
    for (const ref of shop) await inner.sandboxes.delete(ref, { grace: 0 });
  });

  it('gives nothing of the node to who may only use it', async () => {
    const core = place.client({ token: 'shop-token-0123456789' });
    const create = (more: object) =>
      errorOf(core.sandboxes.create({ namespace: 'shop', name: 'x', spec: { ...spec, ...more } }));
    expect(await create({ mounts: [{ source: '/etc', target: '/x' }] })).toMatchObject({ code: 'denied' });
    expect(await create({ network: 'host' })).toMatchObject({ code: 'denied' });
  });

  it('knows callers by their certificates', async () => {
    const read = ({ cert, key }: { cert: string; key: string }) => ({
      ...{ cert: readFileSync(cert), key: readFileSync(key), token: null },
    });
    const robot = place.client(read(place.authority.issue({ name: 'robot', names: 'DNS:robot' })));
    expect(await robot.sandboxes.list({})).toHaveLength(2);
    expect(await errorOf(robot.sandboxes.delete(box))).toMatchObject({ code: 'denied' });
    using foreign = new Authority();
    for (const pair of [place.authority.issue({ name: 'someone' }), foreign.issue({ name: 'robot' })])
      expect(await errorOf(place.client(read(pair)).sandboxes.list({}))).toMatchObject({
        code: 'unauthenticated',
      });
  });

  it('writes down who changed what, and who was refused, and no secret', async () => {
    const core = place.client();
    const envs = { PASSWORD: 'hunter2' };
    await core.sandboxes.create({ namespace: 'shop', name: 'noted', spec: { ...spec, envs } });
    await finish(await core.sandboxes.exec(box, { ...execOf(['echo', 'argument-x']), env: envs }));
    await core.sandboxes.delete({ namespace: 'shop', name: 'noted' }, { grace: 0 });
    const entries = place.audit();
    const of = (method: string) => entries.filter((entry) => entry.method === method);
    expect(of('sandboxes.create').at(-1)).toEqual({
      ...{
        time: expect.stringMatching(/^20/),
        caller: 'root',
        address: expect.stringMatching(/^127\.0\.0\.1:/),
      },
      ...{ method: 'sandboxes.create', object: 'shop/noted', code: 'ok' },
    });
    expect(of('sandboxes.delete').at(-1)).toMatchObject({ object: 'shop/noted', code: 'ok' });
    expect(of('sandboxes.list').filter(({ code }) => code === 'ok')).toEqual([]);
    expect(entries.filter(({ code }) => code === 'unauthenticated').length).toBeGreaterThan(3);
    expect(of('sandboxes.delete').some(({ caller, code }) => caller === 'watcher' && code === 'denied')).toBe(
      true,
    );
    for (const secret of [TOKEN, 'hunter2', 'argument-x', 'nobody-has-this-token'])
      expect(JSON.stringify(entries)).not.toContain(secret);
  });

  it('proves who it is', async () => {
    using foreign = new Authority();
    const list = (tls: Parameters<SecureCore['client']>[0]) => errorOf(place.client(tls).sandboxes.list({}));
    const stream = (tls: Parameters<SecureCore['client']>[0]) =>
      errorOf(place.client(tls).sandboxes.exec(box, execOf(['true'])));
    for (const call of [list, stream]) {
      expect(await call({ ca: readFileSync(foreign.ca) })).toMatchObject({
        ...{ code: 'unavailable', message: expect.stringContaining('not trusted here') },
        hint: expect.stringContaining('--ca'),
      });
      expect(await call({ serverName: 'core.example' })).toMatchObject({
        ...{ code: 'unavailable', message: expect.stringContaining('another name') },
        hint: expect.stringContaining('--server-name'),
      });
    }
  });

  it('answers tokens that were added and taken back, also when the file was replaced', async () => {
    const extra = { name: 'new', sha256: sha256('new-token-0123456789012'), scopes: ['read'] };
    const next = `${place.tokenFile}.next`;
    writeFileSync(next, JSON.stringify({ ...list, tokens: [...list.tokens, extra] }), { mode: 0o600 });
    renameSync(next, place.tokenFile);
    const core = place.client({ token: 'new-token-0123456789012' });
    expect(await core.sandboxes.list({})).toHaveLength(2);
    writeFileSync(place.tokenFile, '{ broken');
    expect(await core.sandboxes.list({})).toHaveLength(2);
    writeFileSync(place.tokenFile, JSON.stringify(list));
    expect(await errorOf(core.sandboxes.list({}))).toMatchObject({ code: 'unauthenticated' });
    writeFileSync(place.tokenFile, JSON.stringify({ tokens: [...list.tokens, extra] }));
    chmodSync(place.tokenFile, 0o644);
    expect(await errorOf(core.sandboxes.list({}))).toMatchObject({ code: 'unauthenticated' });
    writeFileSync(place.tokenFile, JSON.stringify(list));
    chmodSync(place.tokenFile, 0o600);
  });

  it('is told apart from a core in the clear, from both sides', async () => {
    const [grpc, http] = [place.servers.grpc[0]!, place.servers.http[0]!];
    await using clear = connectCore({ grpc, http });
    expect(await errorOf(clear.sandboxes.list({}))).toEqual({
      code: 'unavailable',
      message: `cannot reach the core at ${grpc}: what listens there hung up at once: it may want TLS`,
      hint: expect.any(String),
    });
    expect(await errorOf(clear.sandboxes.exec(box, execOf(['true'])))).toMatchObject({ code: 'unavailable' });
    const metrics = place.servers.metrics;
    await using secure = connectCore({ grpc: metrics, http: metrics, security: { tls: {} } });
    for (const call of [() => secure.sandboxes.list({}), () => secure.sandboxes.exec(box, execOf(['true']))])
      expect(await errorOf(call())).toMatchObject({
        ...{ code: 'unavailable', message: expect.stringContaining('does not speak TLS') },
      });
  });

  it('says so to who asks for gRPC where its HTTP is', async () => {
    const [http] = place.servers.http as [string];
    const tls = { ca: readFileSync(place.authority.ca) };
    await using client = connectCore({ grpc: http, http, security: { tls } });
    expect(await errorOf(client.sandboxes.list({}))).toMatchObject({
      code: 'unavailable',
      message: `cannot reach the core at ${http}: what listens there speaks TLS, but not gRPC`,
      hint: expect.stringContaining('--grpc'),
    });
  });

  it('goes on when strangers talk nonsense, or not at all', async () => {
    for (const address of [place.servers.grpc[0]!, place.servers.http[0]!]) {
      const [host, port] = address.split(':');
      const sockets = Array.from({ length: 100 }, (_, i) => {
        const socket = connectPlain(Number(port), host);
        socket.on('error', () => {});
        if (i % 2) socket.write(i % 4 === 1 ? 'GET / HTTP/1.1\r\n\r\n' : Buffer.alloc(100, i));
        return socket;
      });
      // They fill the room for strangers of this address, and whoever is let in already stays.
      await new Promise((resolve) => sockets[99]!.once('close', resolve));
      for (const socket of sockets) socket.destroy();
    }
    await expect.poll(() => place.client().sandboxes.list({})).toHaveLength(2);
  });

  it('shows new connections a new certificate, keeps the old ones, and survives a broken one', async () => {
    const inner = hostCore();
    using authority = new Authority();
    const first = authority.issue({ name: 'first' });
    await using place = await serveSecurely(inner, { pair: first });
    const ca = readFileSync(authority.ca);
    const nameNow = (address: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const [host, port] = address.split(':');
        const socket = connectTls({ host, port: Number(port), ca, ALPNProtocols: ['h2', 'http/1.1'] }, () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.destroy();
        });
        socket.on('error', reject);
      });
    const both = () => Promise.all([place.servers.grpc[0]!, place.servers.http[0]!].map(nameNow));
    const client = place.client({ ca });
    const session = await inner.sandboxes
      .create({ ...box, spec })
      .then(() => client.sandboxes.exec(box, execOf(['cat'], { stdin: true })));
    expect(await both()).toEqual(['first', 'first']);
    const second = authority.issue({ name: 'second' });
    copyFileSync(second.cert, first.cert);
    // Half of it is new: the old one stays.
    expect(await both()).toEqual(['first', 'first']);
    copyFileSync(second.key, first.key);
    expect(await both()).toEqual(['second', 'second']);
    writeFileSync(first.cert, 'broken');
    expect(await both()).toEqual(['second', 'second']);
    await session.write(Buffer.from('still here'));
    session.endInput();
    expect((await finish(session)).stdout.toString()).toBe('still here');
    await inner.close();
  });
});

describe('failed attempts', () => {
  it('are put off after a while, and nobody else is', async () => {
    const inner = hostCore();
    await using place = await serveSecurely(inner);
    const stranger = place.client({ token: 'nobody-has-this-token' });
    const codes = new Set<string>();
    for (let i = 0; i < 12; i++) codes.add((await errorOf(stranger.sandboxes.list({}))).code);
    expect([...codes]).toEqual(['unauthenticated', 'no_capacity']);
    expect(place.audit().length).toBe(10);
    expect(await place.client().sandboxes.list({})).toEqual([]);
    await inner.close();
  });
});

describe('an expired certificate', () => {
  it('is told as such', async () => {
    const inner = hostCore();
    using authority = new Authority();
    const pair = authority.issue({ from: '20200101000000Z', until: '20200102000000Z' });
    await using place = await serveSecurely(inner, { pair });
    const core = place.client({ ca: readFileSync(authority.ca) });
    for (const call of [() => core.sandboxes.list({}), () => core.sandboxes.exec(box, execOf(['true']))])
      expect(await errorOf(call())).toMatchObject({
        ...{ code: 'unavailable', message: expect.stringContaining('has expired') },
      });
    await inner.close();
  });
});

describe('listening where others can come', () => {
  const options = { ready: () => true, clock: systemClock, log: pino({ level: 'silent' }) };

  it('needs TLS, and to know who calls', async () => {
    const inner = hostCore();
    using authority = new Authority();
    const tls = authority.issue();
    const tokenFile = join(authority.directory, 'token');
    writeFileSync(tokenFile, TOKEN, { mode: 0o600 });
    const place = { grpc: ['0.0.0.0:0'], http: [] };
    const start = (security: object, where = place) =>
      startServers(inner, { ...options, ...where, security });
    for (const security of [{}, { tokenFile }, { token: TOKEN }])
      expect(await errorOf(start(security))).toMatchObject({
        ...{ code: 'denied', hint: expect.stringContaining('--tls-cert') },
      });
    expect(await errorOf(start({ tls }))).toMatchObject({ code: 'invalid_argument' });
    expect(await errorOf(start({ tls: { ...tls, key: '/nosuch.key' } }))).toMatchObject({
      message: expect.stringContaining('/nosuch.key'),
    });
    for (const security of [
      { tls, tokenFile },
      { tls, token: TOKEN },
      { tls: { ...tls, clientCa: authority.ca } },
    ])
      await (await start(security)).close(0);
    const metrics = { grpc: [], http: [], metrics: '0.0.0.0:0' };
    expect(await errorOf(start({ tokenFile }, metrics))).toMatchObject({ code: 'denied' });
    await (await start({ tls, tokenFile }, metrics)).close(0);
    await inner.close();
  });

  it.each([
    ['a token file that others can read', 'denied', TOKEN, 0o644],
    ['a short token', 'invalid_argument', 'secret', 0o600],
    ['an empty one', 'invalid_argument', '', 0o600],
    ['a broken list', 'invalid_argument', 'tokens: [secret-word-in-here', 0o600],
    ['an unknown key', 'invalid_argument', 'tokns: []', 0o600],
    [
      'a token in place of its digest',
      'invalid_argument',
      `tokens: [{name: a, sha256: ${TOKEN}, scopes: [use]}]`,
      0o600,
    ],
    [
      'somebody with the name of the local user',
      'invalid_argument',
      `tokens: [{name: local, sha256: ${sha256(TOKEN)}, scopes: [use]}]`,
      0o600,
    ],
    [
      'an administrator of one namespace',
      'invalid_argument',
      `tokens: [{name: a, sha256: ${sha256(TOKEN)}, scopes: [admin], namespaces: [a]}]`,
      0o600,
    ],
  ])('refuses %s', async (_, code, content, mode) => {
    using authority = new Authority();
    const tokenFile = join(authority.directory, 'token');
    writeFileSync(tokenFile, content, { mode });
    const start = startServers(hostCore(), {
      ...{ ...options, grpc: ['127.0.0.1:0'], http: [] },
      security: { tokenFile },
    });
    const error = await errorOf(start);
    expect(error).toMatchObject({ code, message: expect.stringContaining(tokenFile) });
    expect(error.message).not.toMatch(/secret-word|root-token/);
  });

  it('says which file is not there', async () => {
    using authority = new Authority();
    const tls = authority.issue();
    const gone = join(authority.directory, 'gone');
    for (const security of [
      { tokenFile: gone },
      { tls: { ...tls, cert: gone }, token: TOKEN },
      { tls: { ...tls, key: gone }, token: TOKEN },
      { tls: { ...tls, clientCa: gone } },
    ]) {
      const at = { ...options, grpc: ['127.0.0.1:0'], http: [] };
      const error = await errorOf(startServers(hostCore(), { ...at, security }));
      expect(error).toMatchObject({
        code: 'not_found',
        message: `cannot read ${gone}: there is no such file`,
      });
    }
  });

  it('refuses a key that others can read, and one of another certificate', async () => {
    using authority = new Authority();
    const [one, other] = [authority.issue(), authority.issue()];
    const start = (tls: object) =>
      startServers(hostCore(), {
        ...{ ...options, grpc: ['127.0.0.1:0'], http: [] },
        security: { tls: tls as typeof one, token: TOKEN },
      });
    expect(await errorOf(start({ ...one, key: other.key }))).toMatchObject({ code: 'invalid_argument' });
    chmodSync(one.key, 0o644);
    expect(await errorOf(start(one))).toMatchObject({ code: 'denied' });
  });
});
