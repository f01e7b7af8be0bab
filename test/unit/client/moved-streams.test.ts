import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import { wholeLog } from '../../../src/core/model/logs.ts';
import { type Servers, startServers } from '../../../src/core/server/servers.ts';
import { hostCore } from '../../helpers/core/host-core/host-core.ts';

const box = { namespace: 'default', name: 'box' };

/** A core behind sockets of its own, which tells where they are. */
async function serve(inner: CoreApi, grpc: string): Promise<Servers> {
  let http = '';
  const info: CoreApi['system']['info'] = async () => ({ ...(await inner.system.info()), http });
  const system = Object.assign(Object.create(inner.system), { info });
  const core: CoreApi = Object.assign(Object.create(inner), { system });
  const servers = await startServers(core, {
    ...{ grpc: [grpc], http: ['127.0.0.1:0'], ready: () => true },
    ...{ clock: systemClock, log: pino({ level: 'silent' }) },
  });
  http = `http://${servers.http[0]}`;
  return servers;
}

it('a followed log goes on where the next core has its streams', async () => {
  const inner = hostCore();
  const first = await serve(inner, '127.0.0.1:0');
  const [grpc] = first.grpc;
  const client = connectCore({ grpc: grpc! });
  const command = ['sh', '-c', 'for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.2; done'];
  await inner.sandboxes.create({ ...box, spec: { image: 'host', command } });
  let [text, next]: [string, Servers | undefined] = ['', undefined];
  for await (const { data } of client.sandboxes.logs(box, { ...wholeLog, follow: true })) {
    text += data;
    if (next !== undefined) continue;
    await first.close(0);
    next = await serve(inner, grpc!);
    expect(next.http).not.toEqual(first.http);
  }
  expect(text).toBe('1\n2\n3\n4\n5\n6\n7\n8\n');
  await client.close();
  await next?.close(0);
  await inner.close();
});
