import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import { FsbError, isLost } from '../../../src/core/model/failure/errors.ts';
import { breakingProxy } from '../../helpers/core/breaking-proxy.ts';
import { hostCore } from '../../helpers/core/host-core/host-core.ts';
import { serveAndConnect } from '../../helpers/core/served-core.ts';
import { gate } from '../../helpers/gate.ts';

const box = { namespace: 'default', name: 'box', spec: { image: 'host' } };

const failureOf = async (creating: Promise<unknown>): Promise<FsbError> =>
  FsbError.from(
    await creating.then(
      () => undefined,
      (error: unknown) => error,
    ),
  );

it('is no core that was not there when it went away over HTTP, and says what may be', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fsb-lost-'));
  const path = join(directory, 'sock');
  await using client = connectCore({ grpc: `unix://${path}`, http: `unix://${path}` });
  const refused = await failureOf(client.sandboxes.create(box));
  expect([refused.code, isLost(refused)]).toEqual(['unavailable', false]);

  const server = createServer((socket) => socket.once('data', () => socket.destroy())).listen(path);
  await once(server, 'listening');
  const lost = await failureOf(client.sandboxes.create(box));
  expect([lost.exitCode, isLost(lost)]).toEqual([125, true]);
  expect(lost.message).toMatch(/^cannot tell whether sandbox box was created: .*the connection was closed$/);
  expect(lost.hint).toBe('It may have been created: see fsb-ctl list -a.');
  expect((await failureOf(client.sandboxes.create({ ...box, autoRemove: true }))).hint).toContain('deleted');
  const keyed = await failureOf(client.sandboxes.create({ ...box, idempotencyKey: 'k' }));
  expect(keyed.hint).toMatch(/^Do the same again/);
  server.close();
  await rm(directory, { recursive: true });
});

it('is the same over gRPC', async () => {
  const asked = gate();
  await using core = hostCore();
  vi.spyOn(core.sandboxes, 'create').mockImplementation(() => {
    asked.open();
    return new Promise(() => {});
  });
  const served = await serveAndConnect(core, 'tcp');
  const proxy = await breakingProxy(served.servers.grpc[0]!, []);
  await using client = connectCore({ grpc: proxy.address });
  const creating = failureOf(client.sandboxes.create(box));
  await asked.promise;
  proxy.cut();
  expect(isLost(await creating)).toBe(true);
  await proxy.close();
  const refused = await failureOf(client.sandboxes.create(box));
  expect(refused.code).toBe('unavailable');
  await served.close();
});
