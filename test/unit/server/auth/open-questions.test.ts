import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { systemClock } from '../../../../src/core/model/clock.ts';
import { hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { loadProto, protoClient, serviceError } from '../../../helpers/core/proto-client.ts';
import { serveAndConnect } from '../../../helpers/core/served-core.ts';

it('what anybody may ask, an address may not ask at any rate; calls and the own socket are not concerned', async () => {
  let now = 0;
  const clock = { ...systemClock, monotonic: () => now };
  const directory = mkdtempSync(join(tmpdir(), 'fsb-open-'));
  const socketPath = join(directory, 'http.sock');
  const inner = hostCore();
  const served = await serveAndConnect(inner, 'tcp', {
    ...{ clock, metrics: '127.0.0.1:0', http: ['127.0.0.1:0', `unix://${socketPath}`] },
  });
  const [tcp] = served.servers.http;
  const get = async (url: string): Promise<number> => {
    const answer = await fetch(url);
    await answer.arrayBuffer();
    return answer.status;
  };
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const getLocally = (): Promise<number> =>
    new Promise((resolve, reject) => {
      request({ socketPath, path: '/healthz', agent }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode!));
      })
        .on('error', reject)
        .end();
    });
  const client = protoClient(
    ...([served.servers.grpc[0]!, loadProto('proto/grpc/health/v1/health.proto')] as const),
    'grpc.health.v1.Health',
  );
  const check = () => client.call('Check', { service: '' });
  await check();
  for (let n = 1; n < 200; n++) expect(await get(`http://${tcp}/healthz`)).toBe(200);
  expect(await get(`http://${tcp}/readyz`)).toBe(429);
  expect(await get(`http://${served.servers.metrics}/metrics`)).toBe(429);
  expect(await serviceError(check())).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  expect(await served.core.sandboxes.list({})).toEqual([]);
  for (let n = 0; n <= 200; n++) expect(await getLocally()).toBe(200);
  now += 20;
  expect(await get(`http://${served.servers.metrics}/metrics`)).toBe(200);
  expect(await get(`http://${tcp}/healthz`)).toBe(429);
  agent.destroy();
  client.close();
  await served.close();
  await inner.close();
  rmSync(directory, { recursive: true });
});
