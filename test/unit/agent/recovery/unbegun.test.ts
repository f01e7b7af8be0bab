import pino from 'pino';
import { expect, it } from 'vitest';
import { Controller } from '../../../../src/core/controller/controller.ts';
import { newSandbox } from '../../../../src/core/controller/records/new-sandbox.ts';
import { adoptInstance } from '../../../../src/core/instance/boot-instance.ts';
import { newInstanceId } from '../../../../src/core/model/ids.ts';
import { buildAgent } from '../../../helpers/core/agent-world.ts';
import { failure } from '../../../helpers/core/controller-world.ts';
import { memoryTable } from '../../../helpers/core/memory-table.ts';
import { buildNode } from '../../../helpers/core/node-world.ts';
import { processSpec } from '../../../helpers/guest/process-spec.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';
import { createFakeDriver } from '../../../helpers/pool/fake-driver.ts';
import { makePlace } from '../../logs/harness.ts';

it('one whose core died before its command began is Lost when its guest is reached at last', async () => {
  await using place = await makePlace();
  const clock = createManualClock();
  const fake = createFakeDriver({ clock });
  const node = buildNode({}, { clock, fake });
  const sandbox = newSandbox({ namespace: 'default', name: 'box', spec: { image: 'host' } }, clock.now());
  const instance = newInstanceId();
  const resources = { cpus: 1, memory: 1 << 28, pids: 100 };
  const shape = { image: 'sha256:host', runtime: 'fake', network: 'none' as const, mounts: [], resources };
  await fake.driver.boot({ id: instance, shape, root: { overlays: [] } });
  await node.tables.instances.put(instance, {
    ...{ shape, pool: 'default-pool' },
    use: { by: 'sandbox', sandboxId: sandbox.id },
  });
  let isReachable = false;
  const { agent, slots, recover, unsettled, close } = buildAgent({
    ...{ node, clock, logs: await place.open() },
    async adopt(found, record, state) {
      if (!isReachable) throw new Error('too many open files');
      const driver = node.recording.forPool(record.pool);
      return adoptInstance(driver, fake.openChannel, found, record.shape, state, { clock });
    },
  });
  const slot = { claimName: 'default/box', instance, startedAt: clock.now(), process: processSpec(['main']) };
  await slots.put(sandbox.id, slot);
  await node.pools.open({});
  await recover();
  const controller = new Controller({
    ...{ history: node.events, agent, clock, log: pino({ level: 'silent' }) },
    sandboxes: memoryTable([[sandbox.id, sandbox]]),
  });
  await controller.recover();
  expect((await controller.get(sandbox)).state.phase).toBe('Running');
  const waited = failure(controller.wait(sandbox));
  isReachable = true;
  await clock.advance(5_000);
  const reason = 'its command was never started';
  expect((await controller.get(sandbox)).state).toMatchObject({ phase: 'Lost', reason });
  expect((await waited).message).toContain(reason);
  await controller.stop(sandbox, { grace: 0 });
  expect([unsettled.list(), fake.instances, [...slots.entries()]]).toEqual([[], [], []]);
  await controller.close();
  void close();
  await clock.advance(20_000);
});
