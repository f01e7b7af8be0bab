import { status } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { loadProto, protoClient, serviceError } from '../../../helpers/core/proto-client.ts';
import { serveAndConnect } from '../../../helpers/core/served-core.ts';

const service = 'fsb.v1.PoolService';

it('health can be asked and watched, for each service, up to the end of the core', async () => {
  const inner = hostCore();
  const served = await serveAndConnect(inner, 'tcp');
  const client = protoClient(
    ...([served.servers.grpc[0]!, loadProto('proto/grpc/health/v1/health.proto')] as const),
    'grpc.health.v1.Health',
  );
  for (const asked of ['', service, 'grpc.health.v1.Health'])
    expect(await client.call('Check', { service: asked })).toEqual({ status: 'SERVING' });
  expect(await serviceError(client.call('Check', { service: 'no.such' }))).toMatchObject({
    code: status.NOT_FOUND,
  });
  const watches = ['', service, 'no.such'].map((asked) =>
    client.stream('Watch', { service: asked })[Symbol.asyncIterator](),
  );
  const next = () => Promise.all(watches.map(async (watch) => (await watch.next()).value?.status));
  expect(await next()).toEqual(['SERVING', 'SERVING', 'SERVICE_UNKNOWN']);
  const left = client.stream('Watch', { service });
  left.on('error', () => {});
  left.cancel();
  const ended = next();
  const closing = served.close();
  expect(await ended).toEqual(['NOT_SERVING', 'NOT_SERVING', undefined]);
  expect(await next()).toEqual([undefined, undefined, undefined]);
  client.close();
  await closing;
  await inner.close();
});

it('health is watched by so many of an address at once, and asked by everybody else', async () => {
  const inner = hostCore();
  const served = await serveAndConnect(inner, 'tcp');
  const open = () =>
    protoClient(
      ...([served.servers.grpc[0]!, loadProto('proto/grpc/health/v1/health.proto')] as const),
      'grpc.health.v1.Health',
    );
  const client = open();
  const watch = async () => {
    const call = client.stream('Watch', { service: '' });
    const first = await call[Symbol.asyncIterator]().next();
    return { call, status: first.value?.status };
  };
  const watches = await Promise.all(Array.from({ length: 128 }, watch));
  expect(new Set(watches.map(({ status: one }) => one))).toEqual(new Set(['SERVING']));
  expect(await serviceError(watch())).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  expect(await client.call('Check', { service: '' })).toEqual({ status: 'SERVING' });
  const { call } = watches[0]!;
  call.on('error', () => {}).cancel();
  // The core hears of it behind the next question over the same connection.
  await client.call('Check', { service: '' });
  expect((await watch()).status).toBe('SERVING');
  for (const { call: one } of watches) one.on('error', () => {});
  client.close();
  await served.close();
  await inner.close();
});
