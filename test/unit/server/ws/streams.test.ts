import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import type { Servers } from '../../../../src/core/server/servers.ts';
import { channels, encodeFrame, subprotocols } from '../../../../src/core/wire/stream/frames.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type OpenStream, openStream } from '../../../helpers/core/open-stream.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';

describe('stream server', () => {
  let inner: HostCore;
  let served: ServedCore;
  let box: Sandbox;

  beforeEach(async () => {
    inner = hostCore();
    served = await serveAndConnect(inner, 'tcp');
    const command = ['sleep', '1000'];
    box = await inner.sandboxes.create({
      namespace: 'default',
      name: 'box',
      spec: { image: 'host', command },
    });
  });

  afterEach(async () => {
    await served.close();
    expect(inner.openSessions.size).toBe(0);
    await inner.close();
  });

  const open = (
    servers: Servers,
    path: string,
    protocol: string | undefined,
    headers: Record<string, string> = {},
  ): OpenStream => openStream(servers, `sandboxes/default/${path}`, protocol, headers);

  it('speaks with Kubernetes clients', async () => {
    const query =
      'command=sh&command=-c&command=cat%3B%20echo%20err%20%3E%262%3B%20exit%204&stdin=1&stdout=1&stderr=1';
    const { ws, received, closed } = open(served.servers, `box/exec?${query}`, subprotocols.kubernetes);
    await once(ws, 'open');
    expect(ws.protocol).toBe(subprotocols.kubernetes);
    ws.send(encodeFrame(channels.stdin, Buffer.from('hello')));
    ws.send(encodeFrame(channels.resize, Buffer.from('{"Width":80,"Height":24}')));
    ws.send(encodeFrame(channels.close, Buffer.of(channels.stdin)));
    expect(await closed).toMatchObject({ code: 1000 });
    expect(received.get(channels.stdout)?.toString()).toBe('hello');
    expect(received.get(channels.stderr)?.toString()).toBe('err\n');
    expect(JSON.parse(received.get(channels.status)!.toString())).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '4' }] },
    });
    expect([...received.keys()].sort()).toEqual([1, 2, 3]);
  });

  it('says why it closes a stream', async () => {
    const missing = open(served.servers, 'nobody/exec?command=true', subprotocols.own);
    expect(await missing.closed).toMatchObject({ code: 4404, reason: expect.stringContaining('nobody') });
    expect(JSON.parse(missing.received.get(channels.status)!.toString())).toMatchObject({
      error: { code: 'not_found' },
    });
    const wrongQuery = open(served.servers, 'box/logs?tial=3', subprotocols.own);
    expect(await wrongQuery.closed).toMatchObject({ code: 4400, reason: expect.stringContaining('tial') });
    const wrongFrame = open(served.servers, 'box/exec?command=cat&stdin=1', subprotocols.own);
    await once(wrongFrame.ws, 'open');
    wrongFrame.ws.send(encodeFrame(77));
    expect(await wrongFrame.closed).toMatchObject({ code: 1002, reason: expect.stringContaining('77') });
    const tooLong = open(served.servers, 'box/exec?command=cat&stdin=1', subprotocols.own);
    await once(tooLong.ws, 'open');
    tooLong.ws.send(Buffer.alloc(2 * 1024 * 1024));
    expect(await tooLong.closed).toEqual({
      code: 1009,
      reason: 'a message is longer than 1MiB: send it in pieces',
    });
    const noText = open(served.servers, 'box/exec?command=cat&stdin=1', subprotocols.kubernetes);
    await once(noText.ws, 'open');
    noText.ws.send(Buffer.of(0, 0xff), { binary: false });
    expect(await noText.closed).toEqual({ code: 1007, reason: 'text that is not UTF-8' });
  });

  it('lets go of the session of a client that vanished', async () => {
    const { ws, received } = open(served.servers, 'box/exec?command=sleep&command=1000', subprotocols.own);
    while (!received.has(channels.started)) await once(ws, 'message');
    expect(inner.openSessions.size).toBe(1);
    const [session] = inner.openSessions;
    ws.terminate();
    while (inner.openSessions.size > 0) await served.core.sandboxes.get(box);
    session!.signal(9);
  });

  it.each(Object.values(subprotocols))('reads an exec request that is a frame, with %s', async (protocol) => {
    const { ws, closed, received } = open(served.servers, 'box/exec?request=frame', protocol);
    await once(ws, 'open');
    ws.send(encodeFrame(channels.request, Buffer.from('{"argv":["echo","hi"]}')));
    expect(await closed).toMatchObject({ code: 1000 });
    expect(received.get(channels.stdout)?.toString()).toBe('hi\n');
  });

  it('refuses an exec request in a frame that is malformed', async () => {
    const { ws, closed } = open(served.servers, 'box/exec?request=frame', subprotocols.own);
    await once(ws, 'open');
    ws.send(encodeFrame(channels.request, Buffer.from('{"argv":"ls"}')));
    expect(await closed).toMatchObject({
      code: 4400,
      reason: expect.stringContaining('argv of the exec request'),
    });
  });

  it.each([
    ['/api/v1/sandboxes', {}, 404, 'there is no stream at /api/v1/sandboxes'],
    ['/api/v1/sandboxes/default/box/logs', { 'sec-websocket-key': 'short' }, 400, 'Sec-WebSocket-Key'],
    ['/api/v1/sandboxes/default/box/logs', { 'sec-websocket-version': '7' }, 400, 'Sec-WebSocket-Version'],
    ['/api/v1/sandboxes/default/box/logs', { 'sec-websocket-protocol': 'a b' }, 400, 'a b'],
  ])('says what is wrong with an upgrade of %s with %j', async (path, headers, status, words) => {
    const [host, port] = served.servers.http[0]!.split(':');
    const upgrade = {
      ...{ connection: 'Upgrade', upgrade: 'websocket' },
      ...{ 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==', 'sec-websocket-version': '13', ...headers },
    };
    const asked = request({ host, port, path, headers: upgrade }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toBe('application/json');
    const { error } = (await json(answer)) as { error: { message: string } };
    expect(error.message).toContain(words);
    if (words.endsWith('Version')) expect(answer.headers['sec-websocket-version']).toBe('13, 8');
  });

  it('refuses web pages, foreign names and unknown paths', async () => {
    const refused = async (path: string, headers: Record<string, string>): Promise<number> => {
      const { ws, closed } = open(served.servers, path, subprotocols.own, headers);
      const [, response] = (await once(ws, 'unexpected-response')) as [unknown, { statusCode: number }];
      ws.terminate();
      // It breaks off a handshake here, which is an error to the library.
      await closed.catch(() => {});
      return response.statusCode;
    };
    expect(await refused('box/logs', { origin: 'https://evil.example' })).toBe(403);
    expect(await refused('box/logs', { host: 'evil.example' })).toBe(403);
    expect(await refused('box/forward', {})).toBe(404);
    expect(await refused('box/constructor', {})).toBe(404);
  });

  it('tells open streams and waiting calls that the core goes away, and is gone in time', async () => {
    const stream = open(served.servers, 'box/logs?follow=true', subprotocols.own);
    await once(stream.ws, 'open');
    const request = { argv: ['sleep', '1000'], env: {}, cwd: '', user: '', tty: false, stdin: false };
    const session = await served.core.sandboxes.exec(box, request);
    const waiting = served.core.sandboxes.wait(box).catch((error: unknown) => error);
    await served.core.sandboxes.get(box);
    const [inside] = inner.openSessions;
    await served.servers.close(1000);
    expect(await stream.closed).toMatchObject({ code: 1001, reason: expect.stringContaining('going away') });
    await expect(session.exited).rejects.toMatchObject({
      code: 'run_failed',
      message: expect.stringContaining('going away'),
    });
    expect(await waiting).toMatchObject({ code: 'unavailable' });
    await expect(served.core.sandboxes.get(box)).rejects.toMatchObject({ code: 'unavailable' });
    await session.close();
    inside!.signal(9);
  });

  it('cuts off a client that does not read its close', async () => {
    const [host, port] = served.servers.http[0]!.split(':');
    const raw = connect({ host: host!, port: Number(port) });
    raw.write(
      'GET /api/v1/sandboxes/default/box/logs?follow HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n' +
        'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await once(raw, 'data');
    raw.pause();
    const gone = once(raw, 'close');
    await served.servers.close(50);
    raw.resume();
    await gone;
  });
});
