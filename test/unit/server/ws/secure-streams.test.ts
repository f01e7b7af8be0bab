/** Streams over TLS as foreign clients open them: with a token in a header, and as a page of a browser has to. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import { systemClock } from '../../../../src/core/model/clock.ts';
import { replacing } from '../../../../src/core/model/replacing.ts';
import { channels, encodeFrame, subprotocols } from '../../../../src/core/wire/stream/frames.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { gather, type OpenStream } from '../../../helpers/core/open-stream.ts';
import { type SecureCore, serveSecurely, sha256, TOKEN } from '../../../helpers/core/secure-core.ts';

const READER = 'reader-token-0123456789';
const list = {
  tokens: [
    { name: 'root', sha256: sha256(TOKEN), scopes: ['admin'] },
    { name: 'reader', sha256: sha256(READER), scopes: ['read'], namespaces: ['shop'] },
  ],
};

type Way = (token: string) => { protocols: string[]; headers: Record<string, string> };
const asHeader: Way = (token) => ({ protocols: [], headers: { authorization: `Bearer ${token}` } });
const asSubprotocol: Way = (token) => ({
  protocols: [`base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString('base64url')}`],
  headers: {},
});
const ways: [string, Way][] = [
  ['a header', asHeader],
  ['a subprotocol', asSubprotocol],
];

/** A core without instances has no tool that connects to their ports: there each port says what it hears. */
const echoing = (core: CoreApi): CoreApi => ({
  ...core,
  sandboxes: replacing(core.sandboxes, {
    exec: (ref, { guestTool, ...request }, options) =>
      core.sandboxes.exec(ref, guestTool ? { ...request, argv: ['cat'] } : request, options),
  }),
});

describe.each(ways)('a stream over TLS with a token in %s', (_, way) => {
  let inner: HostCore;
  let place: SecureCore;
  let skipped = 0;
  const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + skipped };
  afterEach(() => {
    skipped += 120_000;
  });
  beforeAll(async () => {
    inner = hostCore();
    place = await serveSecurely(echoing(inner), { list, clock });
    const command = ['sh', '-c', 'echo up; sleep 1000'];
    await inner.sandboxes.create({ namespace: 'shop', name: 'box', spec: { image: 'host', command } });
  });
  afterAll(async () => {
    await place[Symbol.asyncDispose]();
    expect(inner.openSessions.size).toBe(0);
    await inner.close();
  });

  const socket = (
    path: string,
    token: string,
    more: { protocol?: string; origin?: string } = {},
  ): WebSocket => {
    const { protocol = subprotocols.kubernetes, origin } = more;
    const { protocols, headers } = way(token);
    const options = { headers, ca: readFileSync(place.authority.ca), ...(origin && { origin }) };
    const url = `wss://${place.servers.http[0]}/api/v1/${path}`;
    return new WebSocket(url, protocol === '' ? protocols : [...protocols, protocol], options);
  };
  const open = async (path: string, token = TOKEN, protocol?: string): Promise<OpenStream> => {
    const stream = gather(socket(path, token, { ...(protocol && { protocol }) }));
    await once(stream.ws, 'open');
    return stream;
  };
  /** The status and the body of an upgrade that is refused, and how to show who one is. */
  const refusal = async (ws: WebSocket): Promise<[status: number, body: string, challenge?: string]> => {
    const [, answer] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
    const body = Buffer.concat(await answer.toArray()).toString();
    ws.on('error', () => {}).terminate();
    const challenge = answer.headers['www-authenticate'];
    return challenge === undefined ? [answer.statusCode!, body] : [answer.statusCode!, body, challenge];
  };

  it.each([subprotocols.kubernetes, subprotocols.own])('carries a log, over %s', async (protocol) => {
    const { ws, received } = await open('sandboxes/shop/box/logs?follow=true', READER, protocol);
    expect(ws.protocol).toBe(protocol);
    const channel = protocol === subprotocols.own ? channels.log : channels.stdout;
    await expect.poll(() => received.get(channel)?.toString() ?? '').toContain('up\n');
    ws.terminate();
  });

  it('carries a command with its input', async () => {
    const { ws, received, closed } = await open('sandboxes/shop/box/exec?command=cat&stdin=true');
    ws.send(encodeFrame(channels.stdin, Buffer.from('hello')));
    ws.send(encodeFrame(channels.close, Buffer.of(channels.stdin)));
    expect((await closed).code).toBe(1000);
    expect(received.get(channels.stdout)?.toString()).toBe('hello');
  });

  it('carries the main process', async () => {
    const { ws, received } = await open('sandboxes/shop/box/attach?replay=true');
    await expect.poll(() => received.get(channels.stdout)?.toString() ?? '').toContain('up\n');
    ws.terminate();
  });

  it('carries a port', async () => {
    const path = 'sandboxes/shop/box/portforward?port=80';
    const { ws, received, closed } = await open(path, TOKEN, subprotocols.own);
    ws.send(encodeFrame(channels.stdin, Buffer.from('ping')));
    ws.send(encodeFrame(channels.close, Buffer.of(channels.stdin)));
    expect((await closed).code).toBe(1000);
    expect(received.get(channels.stdout)?.toString()).toBe('ping');
  });

  it.each([
    ['sandboxes.exec', 'sandboxes/shop/box/exec?command=cat&stdin=true', true],
    ['sandboxes.attach', 'sandboxes/shop/box/attach', false],
    ['sandboxes.exec', 'sandboxes/shop/box/portforward?port=80', true],
    ['pools.run', 'pools/default-pool/run?image=host&command=cat&stdin=true', true],
    ['pools.exec', 'leases/LEASE/exec?command=cat&stdin=true', true],
  ])('is in the audit log, as %s, as begun until it is over: %s', async (method, path, takesInput) => {
    const lease = await inner.pools.lease({ pool: 'default-pool', image: 'host' });
    const told = () =>
      place
        .audit()
        .filter((entry) => entry.method === method)
        .map(({ code }) => code);
    const before = told().length;
    const since = () => told().slice(before);
    const run = () => open(path.replace('LEASE', lease.id), TOKEN, subprotocols.own);
    const left = await run();
    await expect.poll(() => left.received.has(channels.started)).toBe(true);
    expect(since()).toEqual(['begun']);
    left.ws.terminate();
    await expect.poll(since).toEqual(['begun', 'cancelled']);
    if (!takesInput) return;
    const { ws, closed } = await run();
    ws.send(encodeFrame(channels.close, Buffer.of(channels.stdin)));
    expect((await closed).code).toBe(1000);
    expect(since()).toEqual(['begun', 'cancelled', 'begun', 'ok']);
  });

  it.each([
    ['exec?command=true', 4403],
    ['attach', 4403],
    ['portforward?port=80', 4403],
  ])('is closed where the token may not: %s', async (path, code) => {
    expect((await (await open(`sandboxes/shop/box/${path}`, READER)).closed).code).toBe(code);
    expect((await (await open(`sandboxes/other/box/${path}`, READER)).closed).code).toBe(code);
  });

  it('says nothing of other namespaces', async () => {
    await inner.sandboxes.create({
      namespace: 'other',
      name: 'there',
      spec: { image: 'host', command: ['true'] },
    });
    const of = async (name: string) => (await open(`sandboxes/other/${name}/logs`, READER)).closed;
    expect(await of('there')).toEqual(await of('nobody'));
  });

  it('is refused before the upgrade to strangers and to foreign pages, and no answer has a token', async () => {
    const wrong = 'nobody-has-this-token';
    const stranger = await refusal(socket('sandboxes/shop/box/logs', wrong));
    expect(stranger).toEqual([401, expect.not.stringContaining(wrong), 'Bearer realm="fsb-ctl"']);
    const page = socket('sandboxes/shop/box/logs', TOKEN, { origin: 'https://evil.example' });
    expect((await refusal(page))[0]).toBe(403);
    const own = socket('sandboxes/shop/box/logs', TOKEN, { origin: `https://${place.servers.http[0]}` });
    await once(own, 'open');
    own.terminate();
    const unknown = await refusal(socket('sandboxes/shop/box/logs', TOKEN, { protocol: 'x.example' }));
    expect(unknown).toEqual([400, expect.not.stringContaining('bearer')]);
    const audit = JSON.stringify(place.audit());
    for (const secret of [wrong, TOKEN, ...way(TOKEN).protocols]) expect(audit).not.toContain(secret);
  });
});

describe('a token in a URL', () => {
  it('is none', async () => {
    await using place = await serveSecurely(hostCore());
    for (const query of [`token=${TOKEN}`, `access_token=${TOKEN}`, `authorization=Bearer%20${TOKEN}`]) {
      const ws = new WebSocket(`wss://${place.servers.http[0]}/api/v1/sandboxes/a/b/logs?${query}`, {
        ca: readFileSync(place.authority.ca),
      });
      const [, answer] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
      expect(answer.statusCode).toBe(401);
      ws.on('error', () => {}).terminate();
    }
    expect(JSON.stringify(place.audit())).not.toContain(TOKEN);
  });
});
