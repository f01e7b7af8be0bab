import { expect, it } from 'vitest';
import { DEFAULT_POOL, newInstanceId } from '../../../../src/core/model/ids.ts';
import { defaultResources, type Shape } from '../../../../src/core/model/sandbox/shape.ts';
import { removeUnclaimed, unclaimed } from '../../../../src/core/upkeep/unclaimed.ts';
import { buildAgent } from '../../../helpers/core/agent-world.ts';
import { memoryTable } from '../../../helpers/core/memory-table.ts';
import { createNodeWorld } from '../../../helpers/core/node-world.ts';
import { makePlace } from '../../logs/harness.ts';

const shape: Shape = {
  ...{ image: 'sha256:host', runtime: 'fake', network: 'none', mounts: [], resources: defaultResources },
};

/** A core that has found the lease of an earlier one in the pool, and cannot reach its guest. The record of `gone` cannot be read. */
async function foundLease(pool: string) {
  const place = await makePlace();
  const node = await createNodeWorld();
  const { fake, clock, recording } = node;
  const id = newInstanceId();
  await fake.driver.boot({ id, shape, root: { overlays: [] } });
  const surroundings = { env: {}, cwd: '', user: '' };
  const lease = { id: 'l1', image: 'host', warm: true, createdAt: clock.now(), ttl: 0, surroundings };
  await node.tables.instances.put(id, { shape, pool, use: { by: 'lease', lease } });
  await node.pools.open({});
  const doubt = { pool: (name: string) => name === 'gone' };
  const world = buildAgent({ node, logs: await place.open(), clock, doubt });
  const { agent, slots, retained, unsettled, recover, close } = world;
  await recover();
  const ground = {
    ...{ state: place.directory, instances: '/instances', sandboxes: memoryTable<never>() },
    ...{ agent, slots, retained, unsettled, files: recording.files, destroy: recording.destroy },
    doubt: { sandbox: () => false },
  };
  const dispose = async (): Promise<void> => {
    await close();
    await place[Symbol.asyncDispose]();
  };
  return { id, fake, unsettled, ground, [Symbol.asyncDispose]: dispose };
}

it('a lease that is only out of reach for now is not set aside, and stays', async () => {
  await using world = await foundLease(DEFAULT_POOL);
  const { id, fake, ground, unsettled } = world;
  expect(unsettled.list()).toEqual([{ instance: id, reason: 'nothing runs' }]);
  expect([await unclaimed(ground), await removeUnclaimed(ground)]).toEqual([[], []]);
  expect([fake.instances, unsettled.has(id)]).toEqual([[id], true]);
});

it('a lease of a pool whose record cannot be read is set aside, and goes when asked', async () => {
  await using world = await foundLease('gone');
  const { id, fake, ground, unsettled } = world;
  expect(await removeUnclaimed(ground)).toEqual([{ path: `/instances/${id}`, size: 0 }]);
  expect([fake.instances, unsettled.list()]).toEqual([[], []]);
});
