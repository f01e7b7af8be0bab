import { rm } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import { errorOf, Workbench } from '../../contract/workbench.ts';
import { startCoreProcess } from '../../helpers/core/core-process.ts';
import { makeRoot } from '../../helpers/core/real-core.ts';
import { delay } from '../../helpers/core/waiting.ts';

it.each(['kill', 'stop'] as const)('waits for a sandbox over a core that goes by %s', async (end) => {
  const root = await makeRoot();
  const bench = new Workbench();
  const core = await startCoreProcess(root);
  bench.use(core.api);
  const box = await bench.shell('sleep 1000');
  const client = connectCore({ grpc: `unix://${root}/run/fsb.sock`, http: `unix://${root}/run/http.sock` });
  // Its connection is there, so that what it asks goes out at once.
  await client.sandboxes.get(box);
  const waiting = client.sandboxes.wait(box);
  await delay(300);
  await core[end]();
  // Who comes only now finds none.
  expect(await errorOf(client.sandboxes.wait(box))).toMatchObject({ code: 'unavailable' });
  const next = await startCoreProcess(root);
  bench.use(next.api);
  await next.api.sandboxes.signal(box, 9);
  expect(await waiting).toMatchObject({ signal: 9 });
  await client.close();
  await bench.cleanUp();
  await next.stop();
  await rm(root, { recursive: true });
});
