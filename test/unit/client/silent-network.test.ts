import { afterEach, beforeEach, expect, it } from 'vitest';
import { GrpcRpc } from '../../../src/core/client/grpc-rpc.ts';
import { sandboxCalls } from '../../../src/core/client/sandbox-calls.ts';
import type { Target } from '../../../src/core/client/security.ts';
import { StreamApi } from '../../../src/core/client/stream/stream-api.ts';
import { parseEndpoint } from '../../../src/core/wire/endpoint.ts';
import { errorOf } from '../../contract/workbench.ts';
import { type BreakingProxy, breakingProxy } from '../../helpers/core/breaking-proxy.ts';
import { type HostCore, hostCore } from '../../helpers/core/host-core/host-core.ts';
import { type ServedCore, serveAndConnect } from '../../helpers/core/served-core.ts';

/** A network that says nothing of what it does not carry: who waits must not wait for ever. */
const box = { namespace: 'default', name: 'box' };
const command = ['sh', '-c', 'while echo line; do sleep 0.05; done'];
let inner: HostCore;
let served: ServedCore;
let proxy: BreakingProxy;

beforeEach(async () => {
  inner = hostCore();
  served = await serveAndConnect(inner, 'tcp');
  await inner.sandboxes.create({ ...box, spec: { image: 'host', command } });
});

afterEach(async () => {
  await proxy.close();
  await served.close();
  await inner.close();
});

async function through(address: string): Promise<Target> {
  proxy = await breakingProxy(address, []);
  return { ...parseEndpoint(proxy.address), name: proxy.address };
}

it('a call that waits is told that nobody answers any more', async () => {
  const target = await through(served.servers.grpc[0]!);
  // A machine with much to do may be silent for a while before it is to be.
  const rpc = new GrpcRpc(target, { 'grpc.keepalive_time_ms': 200, 'grpc.keepalive_timeout_ms': 2_000 });
  const sandboxes = sandboxCalls(rpc);
  await sandboxes.get(box);
  const watch = async (): Promise<void> => {
    for await (const _ of sandboxes.watch({}));
  };
  const told = Promise.all([errorOf(sandboxes.wait(box)), errorOf(watch())]);
  await sandboxes.get(box);
  proxy.swallow();
  for (const error of await told) expect(error.code).toBe('unavailable');
  rpc.close();
});

it('a log goes on where it was although nobody says where it is now', async () => {
  const target = await through(served.servers.http[0]!);
  const streams = new StreamApi(
    target,
    ({ signal }) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
  );
  const log = streams.logs(box, { follow: true, stdout: true, stderr: true });
  await log.next();
  proxy.cut();
  proxy.restore();
  for (let n = 0; n < 100; n++) expect((await log.next()).done).toBe(false);
  streams.close();
});
