import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import { isForeign, unreachable } from '../../../src/core/client/unreachable.ts';
import { wholeLog } from '../../../src/core/model/logs.ts';
import { breakingProxy } from '../../helpers/core/breaking-proxy.ts';
import { type HostCore, hostCore } from '../../helpers/core/host-core/host-core.ts';
import { type ServedCore, serveAndConnect } from '../../helpers/core/served-core.ts';

const request = { argv: ['cat'], env: {}, cwd: '', user: '', tty: false, stdin: true };
const box = { namespace: 'default', name: 'box' };

describe('a connection to a core', () => {
  let inner: HostCore;
  let served: ServedCore;

  beforeEach(async () => {
    inner = hostCore();
    served = await serveAndConnect(inner, 'unix');
  });

  afterEach(async () => {
    await served.close();
    await inner.close();
  });

  it('says unavailable, with the address and what to do, when there is no core', async () => {
    const core = connectCore({ grpc: 'unix:///no/grpc.sock', http: 'unix:///no/http.sock' });
    const expected = {
      code: 'unavailable',
      message: 'cannot reach the core at unix:///no/grpc.sock: no such socket',
      hint: expect.stringContaining('--host'),
    };
    await expect(core.sandboxes.list({})).rejects.toMatchObject(expected);
    await expect(core.sandboxes.exec(box, request)).rejects.toMatchObject(expected);
    await expect(core.sandboxes.logs(box, wholeLog)[Symbol.asyncIterator]().next()).rejects.toMatchObject(
      expected,
    );
    await core.close();
  });

  it('says which of the two sockets is missing', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'fsb-beside-'));
    await writeFile(join(directory, 'x.sock'), '');
    const grpc = `unix://${directory}/x.sock`;
    await using alone = connectCore({ grpc, http: `unix://${directory}/http.sock` });
    await expect(alone.system.info()).rejects.toMatchObject({
      code: 'unavailable',
      message: `cannot reach the core at ${grpc}: there is no http.sock beside it`,
    });
    await rm(directory, { recursive: true });
  });

  it('says in plain words why a core cannot be reached, for calls and for streams', async () => {
    const noSocket = join(served.directory, 'not a socket');
    await writeFile(noSocket, '');
    const closing = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    const foreign = createServer((socket) => {
      socket.on('error', () => {}).once('data', () => socket.end('220 mail.example\r\n'));
    }).listen(0, '127.0.0.1');
    await Promise.all([once(closing, 'listening'), once(foreign, 'listening')]);
    const portOf = (server: Server): number => (server.address() as AddressInfo).port;
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const unused = portOf(closed);
    closed.close();
    const cases: [string, string, inStreams?: string][] = [
      ['unix:///no/core.sock', 'no such socket', 'no such socket'],
      [`unix://${noSocket}`, 'connection refused', 'connection refused'],
      [`127.0.0.1:${unused}`, 'connection refused', 'connection refused'],
      [
        `127.0.0.1:${portOf(closing)}`,
        'what listens there hung up at once: it may want TLS',
        'the connection was closed',
      ],
      [`127.0.0.1:${portOf(foreign)}`, 'what listens there is no core'],
    ];
    for (const [address, reason, inStreams] of cases) {
      const hint = 'Ask somebody.';
      const core = connectCore({ grpc: address, http: address, hint });
      const expected = (why: string): object => ({
        code: 'unavailable',
        message: `cannot reach the core at ${address}: ${why}`,
        hint,
      });
      await expect(core.sandboxes.list({})).rejects.toMatchObject(expected(reason));
      if (inStreams !== undefined)
        await expect(core.sandboxes.exec(box, request)).rejects.toMatchObject(expected(inStreams));
      await core.close();
    }
    for (const server of [closing, foreign]) server.close();
  });

  it.each([
    ['a web server', 404, {}, 'Received HTTP status code 404'],
    ['a page', 200, { 'content-type': 'text/html' }, 'Received message larger than max'],
  ])('says that what listens there is no core: %s', async (_, status, headers, said) => {
    const server = createHttp2Server((_, response) => {
      response.writeHead(status, headers);
      response.end('<html>');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await using core = connectCore({ grpc: `127.0.0.1:${(server.address() as AddressInfo).port}` });
    await expect(core.sandboxes.list({})).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`does not answer as a core does (${said}`),
      hint: expect.stringContaining('--host'),
    });
    server.close();
  });

  it('knows gRPC of others from a core that does not serve everything', () => {
    const answer = (service: string) => ({
      code: 12,
      details: `The server does not implement the method /${service}/List`,
    });
    expect(isForeign(answer('fastpath.v1.FastPathService'))).toBe(true);
    expect(isForeign(answer('fsb.v1.AgentService'))).toBe(false);
  });

  it.each([
    ['Name resolution failed for target dns:nowhere:9090', 'unknown host name'],
    ['getaddrinfo ENOTFOUND nowhere', 'unknown host name'],
    ['connect EACCES /ECONNREFUSED/core.sock', 'permission denied', 'denied'],
    [
      'No connection established. Last error: Something else (2026-01-31T10:00:00.000Z). Resolution note: ',
      'Something else',
    ],
    ['', 'unknown reason'],
  ])('reads %j', (details, reason, kind = 'unavailable') => {
    const { code, message } = unreachable(
      { kind: 'tcp', host: 'nowhere', port: 9090 },
      details,
      new Error(details),
    );
    expect([code, message]).toEqual([kind, `cannot reach the core at nowhere:9090: ${reason}`]);
  });

  it('refuses calls after close, and ends open sessions without inventing a status', async () => {
    const spec = { image: 'host', command: ['sleep', '1000'] };
    await served.core.sandboxes.create({ ...box, spec });
    const session = await served.core.sandboxes.exec(box, request);
    const waiting = served.core.sandboxes.wait(box).catch((error: unknown) => error);
    const watching = served.core.system.events({ pool: 'none' })[Symbol.asyncIterator]().next();
    const watched = watching.catch((error: unknown) => error);
    await served.core.sandboxes.get(box);
    await served.core.close();
    await served.core.close();
    for (const ended of [waiting, watched])
      expect(await ended).toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('was closed'),
      });
    await expect(session.exited).rejects.toMatchObject({ code: 'run_failed' });
    await expect(served.core.sandboxes.list({})).rejects.toMatchObject({ code: 'unavailable' });
    await expect(served.core.sandboxes.exec(box, request)).rejects.toMatchObject({ code: 'unavailable' });
    while (inner.openSessions.size > 0) await setImmediate();
  });

  it('runs in a pool over one stream and nothing else', async () => {
    const core = connectCore({ grpc: 'unix:///no/grpc.sock', http: served.servers.http[0]! });
    const session = await core.pools.run({ pool: 'default-pool', exec: { ...request, argv: ['cat'] } });
    await session.write(Buffer.from('through'));
    session.endInput();
    let text = '';
    for await (const { data } of session.output) text += data.toString();
    expect([text, await session.exited]).toEqual(['through', { code: 0, signal: null }]);
    await core.close();
  });

  // A port below 1024 is for root.
  it.runIf(process.getuid?.() === 0)('streams over the usual port of HTTP, which no URL names', async () => {
    const told = { ...(await inner.system.info()), http: 'http://127.80.0.1:80' };
    const core = { ...inner, system: { ...inner.system, info: async () => told } };
    const listening = { grpc: ['127.80.0.1:0'], http: ['127.80.0.1:80'] };
    const { servers, close } = await serveAndConnect(core, 'tcp', listening);
    await using remote = connectCore({ grpc: servers.grpc[0]! });
    await remote.sandboxes.create({ ...box, spec: { image: 'host', command: ['sleep', '1000'] } });
    const session = await remote.sandboxes.exec(box, { ...request, argv: ['true'] });
    expect(await session.exited).toEqual({ code: 0, signal: null });
    await close();
  });

  it('ends what a run runs when the connection is closed, and says so', async () => {
    const exec = { ...request, argv: ['sleep', '1000'] };
    const session = await served.core.pools.run({ pool: 'default-pool', exec });
    expect(await inner.pools.get('default-pool')).toMatchObject({ claimed: 1 });
    await served.core.close();
    await expect(session.exited).rejects.toMatchObject({
      code: 'run_failed',
      hint: expect.stringContaining('ended'),
    });
    while ((await inner.pools.get('default-pool')).claimed > 0) await setImmediate();
  });

  it('takes up a followed log where the connection broke', async () => {
    const script = 'i=0; while [ $i -lt 40 ]; do echo line $i; i=$((i+1)); sleep 0.02; done';
    await served.core.sandboxes.create({ ...box, spec: { image: 'host', command: ['sh', '-c', script] } });
    const breaking = await breakingProxy(served.servers.http[0]!, [500, 700, 900]);
    const core = connectCore({ grpc: served.servers.grpc[0]!, http: breaking.address });
    let text = '';
    for await (const { data } of core.sandboxes.logs(box, { ...wholeLog, follow: true }))
      text += data.toString();
    expect(text).toBe(Array.from({ length: 40 }, (_, n) => `line ${n}\n`).join(''));
    expect(breaking.broken()).toBe(3);
    await core.close();
    await breaking.close();
  });

  it('does not keep the process alive, and loads nothing before it is needed', async () => {
    const script = `
      const { connectCore } = await import('./src/core/client/connect-core.ts');
      const { createRequire } = await import('node:module');
      const loaded = (name) => Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes(name));
      const core = connectCore(${JSON.stringify({ grpc: served.servers.grpc[0], http: served.servers.http[0] })});
      const before = [loaded('/node_modules/ws/'), loaded('/grpc-js/')];
      await core.sandboxes.list({});
      const listed = [loaded('/node_modules/ws/'), loaded('/grpc-js/')];
      await core.pools.lease({ pool: 'no-such-pool' }).catch(() => {});
      const leased = [loaded('/node_modules/ws/'), loaded('/grpc-js/')];
      await core.close();
      console.log(JSON.stringify({ before, listed, leased }));`;
    const args = ['--import', 'tsx', '--input-type=module', '-e', script];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 });
    expect(JSON.parse(stdout)).toEqual({
      before: [false, false],
      listed: [false, false],
      leased: [false, true],
    });
  });
});
