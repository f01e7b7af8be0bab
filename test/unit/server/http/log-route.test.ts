import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';

const box = { namespace: 'default', name: 'box' };

describe('a log over plain HTTP', () => {
  let inner: HostCore;
  let served: ServedCore;

  beforeEach(async () => {
    inner = hostCore();
    served = await serveAndConnect(inner, 'tcp');
  });
  afterEach(async () => {
    await served.close();
    await inner.close();
  });

  const create = (script: string) =>
    inner.sandboxes.create({
      ...box,
      spec: { image: 'host', command: ['sh', '-c', script] },
    });
  const get = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://${served.servers.http[0]}/api/v1/sandboxes/default/${path}`, init);

  it('is text, both streams, and ends with the sandbox', async () => {
    await create('echo one; echo two >&2; sleep 0.2; echo three');
    const answer = await get('box/logs?follow=true');
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'transfer-encoding': 'chunked',
      'x-content-type-options': 'nosniff',
    });
    // Which of the two pipes is read first is nobody's to say.
    expect((await answer.text()).split('\n').sort()).toEqual(['', 'one', 'three', 'two']);
  });

  it('is there at once, also when nothing was written yet', async () => {
    await create('sleep 1000');
    const gone = new AbortController();
    const answer = await get('box/logs?follow', { signal: gone.signal });
    expect(answer.status).toBe(200);
    gone.abort();
  });

  it('may be empty', async () => {
    await create('sleep 1000');
    expect(await (await get('box/logs')).text()).toBe('');
  });

  it('can be a part, with the times', async () => {
    await create('echo one; echo two; echo err >&2');
    await inner.sandboxes.wait(box);
    expect(await (await get('box/logs?tail=1&stderr=false')).text()).toBe('two\n');
    expect(await (await get('box/logs?timestamps&stdout=false')).text()).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:]+\.\d{6}Z err\n$/,
    );
  });

  it.each([
    ['nobody/logs', {}, 404, 'not_found'],
    ['box/logs?tial=1', {}, 400, 'invalid_argument'],
    ['box/logs', { method: 'POST' }, 404, 'not_found'],
    ['box/logs/more', {}, 404, 'not_found'],
    ['box/logs', { headers: { origin: 'https://evil.example' } }, 403, 'denied'],
  ])('is refused: %s %j', async (path, init, status, code) => {
    await create('sleep 1000');
    const answer = await get(path, init);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ error: { code } });
  });

  it('breaks off when the core goes away, which does not wait for it', async () => {
    await create('echo one; sleep 1000');
    const answer = await get('box/logs?follow');
    const text = answer.text();
    text.catch(() => {});
    await served.servers.close(60_000);
    await expect(text).rejects.toThrow('terminated');
  });
});

/** A log that goes on as long as it is read. */
function endlessLog() {
  const log = { bytes: 0, readers: 0 };
  async function* read() {
    log.readers += 1;
    try {
      for (;;) {
        await setImmediate();
        const data = Buffer.alloc(64 * 1024, 'x');
        log.bytes += data.length;
        yield { stream: 'stdout' as const, time: 0, seq: log.bytes, data };
      }
    } finally {
      log.readers -= 1;
    }
  }
  return { log, read };
}

describe('a reader that is slow', () => {
  it.each(['plain HTTP', 'v5.channel.k8s.io', 'none', 'fsb.v1'])('holds its log back: %s', async (how) => {
    const inner = hostCore();
    const { log, read } = endlessLog();
    inner.sandboxes.logs = read;
    await inner.sandboxes.create({ ...box, spec: { image: 'host', command: ['sleep', '1000'] } });
    const served = await serveAndConnect(inner, 'tcp');
    const [host, port] = served.servers.http[0]!.split(':');
    const socket = connect(Number(port), host!);
    const protocol = how === 'none' ? '' : `Sec-WebSocket-Protocol: ${how}\r\n`;
    const upgrade = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${protocol}`;
    socket.write(
      `GET /api/v1/sandboxes/default/box/logs?follow HTTP/1.1\r\nHost: localhost\r\n${how === 'plain HTTP' ? '' : upgrade}\r\n`,
    );
    await once(socket, 'data');
    socket.pause();
    // It stands still while others are answered.
    for (let before = -1; before < log.bytes; ) {
      before = log.bytes;
      for (let calls = 0; calls < 30; calls++) await served.core.sandboxes.list({});
    }
    const held = log.bytes;
    expect(held).toBeLessThan(24 * 1024 * 1024);
    if (how !== 'fsb.v1') {
      // Which says itself what it has read.
      socket.resume();
      while (log.bytes < held + 16 * 1024 * 1024) await setImmediate();
    }
    socket.destroy();
    while (log.readers > 0) await setImmediate();
    await served.close();
    await inner.close();
  });
});
