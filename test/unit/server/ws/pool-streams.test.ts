import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { channels, encodeFrame, subprotocols } from '../../../../src/core/wire/stream/frames.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type OpenStream, openStream } from '../../../helpers/core/open-stream.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

describe('streams of pools', () => {
  let inner: HostCore;
  let served: ServedCore;

  beforeEach(async () => {
    inner = hostCore();
    served = await serveAndConnect(inner, 'tcp');
  });

  afterEach(async () => {
    await served.close();
    expect(inner.openSessions.size).toBe(0);
    await inner.close();
  });

  const open = (path: string, protocol: string = subprotocols.own): OpenStream =>
    openStream(served.servers, path, protocol);
  const run = 'pools/default-pool/run';
  const claimed = async (): Promise<number> => (await inner.pools.get('default-pool')).claimed;

  /** The first line that the process writes. */
  async function firstLine({ ws, received }: OpenStream): Promise<string> {
    while (!received.get(channels.stdout)?.includes('\n')) await once(ws, 'message');
    return received.get(channels.stdout)!.toString().trim();
  }

  /** Resolves when there is no process of this id any more. */
  async function gone(pid: string): Promise<void> {
    for (;;) {
      try {
        process.kill(Number(pid), 0);
      } catch {
        return;
      }
      await setImmediate();
    }
  }

  it('speak with Kubernetes clients', async () => {
    const query = 'command=sh&command=-c&command=cat%3B%20exit%204&stdin=1&image=host&cpus=0.5&wait=100';
    const { ws, received, closed } = open(`${run}?${query}`, subprotocols.kubernetes);
    await once(ws, 'open');
    expect(ws.protocol).toBe(subprotocols.kubernetes);
    ws.send(encodeFrame(channels.stdin, Buffer.from('hello')));
    ws.send(encodeFrame(channels.close, Buffer.of(channels.stdin)));
    expect(await closed).toMatchObject({ code: 1000 });
    expect(received.get(channels.stdout)?.toString()).toBe('hello');
    expect(JSON.parse(received.get(channels.status)!.toString())).toMatchObject({ exit: { code: 4 } });
  });

  it('end the run of a client that vanished, with all that it started', async () => {
    const script = encodeURIComponent('sleep 1000 & echo $$ $!; wait');
    const stream = open(`${run}?command=sh&command=-c&command=${script}`);
    const pids = (await firstLine(stream)).split(' ');
    expect(await claimed()).toBe(1);
    stream.ws.terminate();
    for (const pid of pids) await gone(pid);
    while ((await claimed()) > 0) await setImmediate();
  });

  it('end the run of a client that vanished before its command began', async () => {
    await inner.pools.create({ name: 'small', capacity: { max: 1 }, resources: { memory: '64m' } });
    const lease = await inner.pools.lease({ pool: 'small' });
    const { ws } = open('pools/small/run?command=true');
    await once(ws, 'open');
    while ((await inner.pools.get('small')).waiting === 0) await setImmediate();
    ws.terminate();
    while ((await inner.pools.get('small')).waiting > 0) await setImmediate();
    await inner.pools.release(lease.id);
    expect(await inner.pools.get('small')).toMatchObject({ claimed: 0 });
  });

  it('leave alone what runs in a lease whose client vanished', async () => {
    const { id } = await inner.pools.lease({ pool: 'default-pool' });
    const script = encodeURIComponent('echo $$; exec sleep 1000');
    const stream = open(`leases/${id}/exec?command=sh&command=-c&command=${script}`);
    const pid = await firstLine(stream);
    stream.ws.terminate();
    while (inner.openSessions.size > 0) await setImmediate();
    expect(await inner.pools.leases()).toMatchObject([{ id, running: 1 }]);
    await inner.pools.release(id);
    await gone(pid);
  });

  it('say why they are closed', async () => {
    const cases: [string, number, string][] = [
      ['pools/no-such-pool/run?command=true', 4404, 'no-such-pool'],
      ['leases/l0/exec?command=true', 4404, 'l0'],
      [`${run}?command=true&imgae=host`, 4400, 'imgae'],
      [`${run}?command=true&cpus=0`, 4400, 'resources.cpus'],
      [`${run}?command=true&on_empty=never`, 4400, 'onEmpty'],
      [`${run}?command=true&detach=true`, 4400, 'detached'],
      [`leases/l0/exec?tty=true`, 4400, 'command'],
    ];
    for (const [path, code, reason] of cases) {
      const { closed, received } = open(path);
      expect(await closed).toMatchObject({ code, reason: expect.stringContaining(reason) });
      expect(JSON.parse(received.get(channels.status)!.toString())).toMatchObject({
        error: { code: expect.any(String) },
      });
    }
    expect(await claimed()).toBe(0);
  });

  it('read a request that is a frame, and refuse one that is malformed', async () => {
    const send = async (request: object): Promise<{ code: number; reason: string }> => {
      const { ws, closed } = open(`${run}?request=frame`);
      await once(ws, 'open');
      ws.send(encodeFrame(channels.request, Buffer.from(JSON.stringify(request))));
      return closed;
    };
    const exec = { argv: ['true'], env: {}, cwd: '', user: '', tty: false, stdin: false };
    expect(await send({ exec, mounts: [] })).toMatchObject({ code: 1000 });
    expect(await send({})).toMatchObject({ code: 4400, reason: expect.stringContaining('no exec') });
    expect(await send({ exec: { argv: 'ls' } })).toMatchObject({
      code: 4400,
      reason: expect.stringContaining('argv of the exec request'),
    });
    expect(await send({ exec, resources: { cpu: 1 } })).toMatchObject({
      code: 4400,
      reason: expect.stringContaining('unknown key resources.cpu'),
    });
  });

  it('do not wait for ever for a request that is to be a frame', async () => {
    const clock = createManualClock();
    const waiting = await serveAndConnect(inner, 'tcp', { clock });
    const { ws, closed } = openStream(waiting.servers, `${run}?request=frame`, subprotocols.own);
    await once(ws, 'open');
    await clock.advance(10_000);
    expect(await closed).toEqual({ code: 4504, reason: 'no request came within 10s' });
    const late = openStream(waiting.servers, `${run}?request=frame`, subprotocols.own);
    await once(late.ws, 'open');
    const exec = { argv: ['cat'], env: {}, cwd: '', user: '', tty: false, stdin: true };
    late.ws.send(encodeFrame(channels.request, Buffer.from(JSON.stringify({ exec }))));
    while ((await claimed()) === 0) await setImmediate();
    await clock.advance(10_000);
    late.ws.send(encodeFrame(channels.close, Buffer.of(channels.stdin)));
    expect(await late.closed).toMatchObject({ code: 1000 });
    await waiting.close();
  });

  it('refuse web pages, foreign names and unknown paths', async () => {
    const refused = async (path: string, headers: Record<string, string> = {}): Promise<number> => {
      const { ws, closed } = openStream(served.servers, path, subprotocols.own, headers);
      const [, response] = (await once(ws, 'unexpected-response')) as [unknown, { statusCode: number }];
      ws.terminate();
      // It breaks off a handshake here, which is an error to the library.
      await closed.catch(() => {});
      return response.statusCode;
    };
    expect(await refused(`${run}?command=true`, { origin: 'https://evil.example' })).toBe(403);
    expect(await refused(`${run}?command=true`, { host: 'evil.example' })).toBe(403);
    for (const path of ['pools/a/exec', 'pools/a/b/run', 'pools//run', 'leases/a/run', 'leases/a'])
      expect(await refused(path)).toBe(404);
    expect(await refused('pools/%zz/run')).toBe(400);
  });

  it('end with the core', async () => {
    const stream = open(`${run}?command=sh&command=-c&command=echo%20%24%24%3B%20exec%20sleep%201000`);
    const pid = await firstLine(stream);
    await served.servers.close(1000);
    expect(await stream.closed).toMatchObject({ code: 1001, reason: expect.stringContaining('going away') });
    await gone(pid);
    while ((await claimed()) > 0) await setImmediate();
  });
});
