import { stat, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GrpcRpc } from '../../../src/core/client/grpc-rpc.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import { startServers } from '../../../src/core/server/servers.ts';
import { sandboxFromWire } from '../../../src/core/wire/convert/sandbox.ts';
import {
  type FailurePolicy,
  FastPathServiceService,
  UpdateRequest,
} from '../../../src/core/wire/gen/fastpath/v1/fastpath.ts';
import {
  type HealthCheckResponse,
  HealthService,
  HealthCheckResponse_ServingStatus as Serving,
} from '../../../src/core/wire/gen/grpc/health/v1/health.ts';
import { type HostCore, hostCore } from '../../helpers/core/host-core/host-core.ts';
import { type ServedCore, serveAndConnect } from '../../helpers/core/served-core.ts';
import { poolClient } from '../../helpers/pool/pool-client.ts';

interface Answer {
  status: number;
  body: string;
}

describe('servers', () => {
  let inner: HostCore;
  let served: ServedCore;
  let ready = false;

  beforeAll(async () => {
    inner = hostCore();
    served = await serveAndConnect(inner, 'tcp', { metrics: '127.0.0.1:0', ready: () => ready });
    const command = ['sleep', '1000'];
    await served.core.sandboxes.create({
      namespace: 'default',
      name: 'box',
      spec: { image: 'host', command },
    });
  });

  afterAll(async () => {
    await served.close();
    await inner.close();
  });

  function ask(
    address: string,
    path: string,
    method = 'GET',
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const [host, port] = address.split(':');
    return new Promise((resolve, reject) => {
      const call = httpRequest({ host, port, path, method, headers, agent: false }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => {
          body += piece;
        });
        response.on('end', () => resolve({ status: response.statusCode!, body }));
      });
      call.on('error', reject);
      call.end();
    });
  }

  it('tell health and readiness', async () => {
    const [http] = served.servers.http;
    expect(await ask(http!, '/healthz')).toEqual({ status: 200, body: 'ok\n' });
    expect((await ask(http!, '/readyz')).status).toBe(503);
    expect(await health()).toBe(Serving.NOT_SERVING);
    ready = true;
    expect((await ask(http!, '/readyz')).status).toBe(200);
    expect(await health()).toBe(Serving.SERVING);
  });

  function health(): Promise<number> {
    const client = new Client(served.servers.grpc[0]!, credentials.createInsecure());
    const { path, requestSerialize, responseDeserialize } = HealthService.check;
    return new Promise<number>((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { service: 'fastpath.v1.FastPathService' },
        (error, response?: HealthCheckResponse) =>
          error === null ? resolve(response!.status) : reject(error),
      );
    }).finally(() => client.close());
  }

  it('show sandboxes as JSON', async () => {
    const [http] = served.servers.http;
    const list = await ask(http!, '/api/v1/sandboxes?namespace=default');
    expect(JSON.parse(list.body)).toMatchObject({ items: [{ name: 'box', phase: 'Running' }] });
    const one = await ask(http!, '/api/v1/sandboxes/default/box');
    expect(JSON.parse(one.body)).toMatchObject({ name: 'box' });
    const none = await ask(http!, '/api/v1/sandboxes/default/nobody');
    expect(none.status).toBe(404);
    expect(JSON.parse(none.body)).toMatchObject({ error: { code: 'not_found', hint: expect.any(String) } });
  });

  it('answer what is not there with a clear error', async () => {
    const [http] = served.servers.http;
    const calls = [
      ask(http!, '/nowhere'),
      ask(http!, '/healthz', 'DELETE'),
      // The first part of such a path is no host.
      ask(http!, '//x/healthz'),
    ];
    for (const answer of await Promise.all(calls)) {
      expect(answer.status).toBe(404);
      expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'not_found' } });
    }
    expect((await ask(http!, '/api/v1/sandboxes/a/%zz')).status).toBe(400);
    expect((await ask(http!, '/api/v1/sandboxes/a/b/exec')).status).toBe(426);
  });

  it('refuse requests of web pages and for foreign names', async () => {
    const [http] = served.servers.http;
    expect((await ask(http!, '/healthz', 'GET', { host: 'evil.example' })).status).toBe(403);
    expect(
      (await ask(http!, '/healthz', 'GET', { host: `evil.example:${http!.split(':')[1]}` })).status,
    ).toBe(403);
    expect((await ask(http!, '/healthz', 'GET', { origin: 'https://evil.example' })).status).toBe(403);
    for (const site of ['cross-site', 'same-site'])
      expect((await ask(http!, '/healthz', 'GET', { 'sec-fetch-site': site })).status).toBe(403);
    for (const site of ['same-origin', 'none'])
      expect((await ask(http!, '/healthz', 'GET', { 'sec-fetch-site': site })).status).toBe(200);
    expect((await ask(http!, '/healthz', 'GET', { host: 'localhost:1' })).status).toBe(200);
    expect((await ask(http!, '/healthz', 'GET', { host: '127.999.1.1' })).status).toBe(403);
    const whole = (url: string) => ask(http!, url, 'GET', { host: 'localhost' });
    expect((await whole('http://evil.example/healthz')).status).toBe(403);
    expect((await whole('http://localhost/healthz')).status).toBe(200);
    const itself = { host: 'localhost', origin: 'http://evil.example' };
    expect((await ask(http!, 'http://evil.example/healthz', 'GET', itself)).status).toBe(403);
    expect((await ask(served.servers.metrics, '/metrics', 'GET', { host: 'evil.example' })).status).toBe(403);
  });

  it('count creates by mode and success', async () => {
    const spec = { image: 'no-such-image', consistency_mode: 'strong' as const };
    await served.core.sandboxes.create({ namespace: 'default', name: 'x', spec }).catch(() => {});
    const { body } = await ask(served.servers.metrics, '/metrics');
    expect(body).toContain('fastpath_create_sandbox_duration_seconds_count{mode="fast",success="true"} 1');
    expect(body).toContain('fastpath_create_sandbox_duration_seconds_count{mode="strong",success="false"} 1');
    expect(body).toContain('le="0.001"');
    expect(body).toMatch(/nodejs_eventloop_lag/);
    expect((await ask(served.servers.metrics, '/')).status).toBe(404);
    expect(await ask(served.servers.metrics, '/metrics', 'HEAD')).toMatchObject({ status: 200, body: '' });
    expect((await ask(served.servers.metrics, '/metrics', 'POST')).status).toBe(404);
  });

  it('understand the updates of the first version of the API', async () => {
    const [host, port] = served.servers.grpc[0]!.split(':');
    const rpc = new GrpcRpc({ kind: 'tcp', host: host!, port: Number(port) });
    const ref = { namespace: 'default', name: 'updated' };
    const spec = { image: 'host', command: ['sleep', '1000'], labels: { a: '1' } };
    const made = await served.core.sandboxes.create({ ...ref, spec });
    const update = async (request: Parameters<typeof UpdateRequest.fromPartial>[0]) => {
      const whole = UpdateRequest.fromPartial({ sandboxName: 'updated', ...request });
      const { success, sandbox } = await rpc.call(FastPathServiceService.updateSandbox, whole);
      expect(success).toBe(true);
      return sandboxFromWire(sandbox);
    };
    const expire = { $case: 'expireTimeSeconds', value: 4_102_444_800 } as const;
    expect(await update({ update: expire, labels: { b: '2' } })).toMatchObject({
      ...{ id: made.id, expiresAt: 4_102_444_800_000 },
      spec: { labels: { a: '1', b: '2' } },
    });
    expect((await update({ update: { ...expire, value: 0 } })).expiresAt).toBe(0);
    const timeout = { $case: 'recoveryTimeoutSeconds', value: 9 } as const;
    expect((await update({ update: timeout })).spec.recovery_timeout_seconds).toBe(9);
    expect((await update({})).generation).toBe(1);
    const reset = (value: string) => update({ update: { $case: 'resetRevision', value } });
    // Of a client whose clock is behind, and twice in one of its seconds.
    const revision = '2020-01-31T10:00:00Z';
    const next = await reset(revision);
    expect(next).toMatchObject({ generation: 2, name: 'updated' });
    expect(next.id).not.toBe(made.id);
    expect((await reset(revision)).id).toBe(next.id);
    expect((await reset('2020-01-31T10:00:00.5Z')).generation).toBe(3);
    await expect(reset('soon')).rejects.toMatchObject({ code: 'invalid_argument', hint: expect.any(String) });
    const policy = { $case: 'failurePolicy', value: 7 as FailurePolicy } as const;
    await expect(update({ update: policy })).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(update({ sandboxName: 'nobody', labels: { a: '1' } })).rejects.toMatchObject({
      code: 'not_found',
    });
    rpc.close();
  });
});

describe('close', () => {
  it('has the tools that run ended, and their calls answered', async () => {
    const inner = hostCore();
    const { core, servers, close } = await serveAndConnect(inner, 'tcp');
    const ask = poolClient(servers.http[0]!);
    expect((await ask('POST', '/pool/initialize?pool_size=1')).status).toBe(200);
    const { body: kept } = await ask('POST', '/sandbox/create');
    const parameters = { language: 'sh', code: 'sleep 1000' };
    const tool_name = 'multi_code_executor';
    const claimed = firstEvent(inner, 'claimed');
    const running = [
      ask('POST', `/pool/execute?tool_name=${tool_name}`, { body: parameters }),
      ask('POST', '/sandbox/tool/execute', { body: { sandbox_id: kept.sandbox_id, tool_name, parameters } }),
    ];
    await claimed;
    await core.close();
    await servers.close(50);
    for (const answer of await Promise.all(running))
      expect(answer).toMatchObject({ status: 503, body: { error: { code: 'unavailable' } } });
    await expect(ask('GET', '/healthz')).rejects.toThrow();
    expect((await inner.pools.leases()).map(({ id }) => id)).toEqual([kept.sandbox_id]);
    await close();
    await inner.close();
  });
});

/** Resolves with the first event of the tool pool that is of this type, from now on. */
async function firstEvent(core: HostCore, type: string): Promise<void> {
  for await (const { event } of core.system.events({ pool: 'tool-pool' })) if (event.type === type) return;
}

describe('listening', () => {
  const options = { ready: () => true, clock: systemClock, log: pino({ level: 'silent' }) };

  it('makes private unix sockets over stale files, and removes them', async () => {
    const inner = hostCore();
    const before = await serveAndConnect(inner, 'unix');
    const { directory, servers } = before;
    const names = ['grpc.sock', 'http.sock'].map((name) => join(directory, name));
    for (const name of names) expect((await stat(name)).mode & 0o777).toBe(0o600);
    await servers.close(100);
    await servers.close(100);
    for (const name of names) {
      await expect(stat(name)).rejects.toMatchObject({ code: 'ENOENT' });
      await writeFile(name, 'stale');
    }
    const again = await startServers(inner, { ...options, grpc: servers.grpc, http: servers.http });
    expect(await before.core.sandboxes.list({})).toEqual([]);
    await again.close(100);
    await before.close();
    await inner.close();
  });

  it('refuses addresses that others could reach, and leaves nothing listening after a failure', async () => {
    const inner = hostCore();
    for (const address of ['0.0.0.0:0', '[::]:0', '192.0.2.1:0', 'example.com:0'])
      for (const place of [
        { grpc: [address], http: [] },
        { grpc: [], http: [address] },
        { grpc: [], http: [], metrics: address },
      ])
        await expect(startServers(inner, { ...options, ...place })).rejects.toMatchObject({ code: 'denied' });
    const one = await serveAndConnect(inner, 'unix');
    const socket = `unix://${join(one.directory, 'other.sock')}`;
    const http = ['unix:///no/such/directory/x.sock'];
    await expect(startServers(inner, { ...options, grpc: [socket], http })).rejects.toMatchObject({
      code: 'unavailable',
    });
    await expect(stat(join(one.directory, 'other.sock'))).rejects.toMatchObject({ code: 'ENOENT' });
    await one.close();
    await inner.close();
  });
});
