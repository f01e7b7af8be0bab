import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { errorOf } from '../../contract/workbench.ts';
import {
  makeRoot,
  type RealCore,
  type RealCoreOptions,
  startRealCore,
} from '../../helpers/core/real-core.ts';
import { traces } from '../../helpers/core/traces.ts';
import { writeBusyboxImage } from '../../helpers/image/busybox-image.ts';
import { POOL, untilIdle } from '../../helpers/pool/real-pool.ts';

const directories: string[] = [];
afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

const restart = (core: RealCore, pool: RealCoreOptions['pool'] = {}): Promise<RealCore> =>
  startRealCore({ root: core.root, pool: { warm: undefined, capacity: undefined, ...pool } });

/** Stops it and keeps its root. */
async function stop(core: RealCore): Promise<void> {
  await core.remote.close();
  await core.running.close();
  expect(await traces(core.root)).toEqual([]);
}

describe('the pools of a core that was stopped', () => {
  it('are there again, with all that was ever said of them', async () => {
    const first = await startRealCore({ pool: { capacity: { max: 5 } } });
    const { pools } = first.running.api;
    const made = await pools.create({ name: 'small', warm: [{ image: 'host', count: 1 }], ttl: '9m' });
    await pools.update('small', { policy: { resources: { memory: '64m' } } });
    await pools.create({ name: 'asleep' });
    await pools.stop('asleep');
    await stop(first);

    const second = await restart(first, { ttl: '7m' });
    const { api } = second.running;
    expect(await api.pools.list()).toMatchObject([
      { name: 'asleep', state: 'stopped' },
      { name: POOL, state: 'active', policy: { capacity: { max: 5 }, ttl: 420_000 } },
      { name: 'small', createdAt: made.createdAt, policy: { ttl: 540_000, resources: { memory: 2 ** 26 } } },
    ]);
    await untilIdle(api, 1, 'small');
    await stop(second);
    const third = await restart(first);
    expect((await third.running.api.pools.get(POOL)).policy).toMatchObject({ ttl: 420_000 });
    await third.close();
  });

  it('wait for an image that is gone, and keep the core from nothing', async () => {
    const root = await makeRoot();
    const directory = await mkdtemp('/tmp/fsb-i-');
    directories.push(directory);
    const { ociArchive, name } = await writeBusyboxImage(directory);
    const first = await startRealCore({ root });
    await first.running.api.images.import({ source: { path: ociArchive } });
    await first.running.api.pools.create({ name: 'busy', warm: [{ image: name, count: 1 }] });
    await untilIdle(first.running.api, 1, 'busy');
    expect(await errorOf(first.running.api.images.remove(name))).toMatchObject({ code: 'conflict' });
    await stop(first);
    await rm(join(root, 'state/images'), { recursive: true });

    const second = await restart(first);
    const { api } = second.running;
    expect(await api.pools.status('busy')).toMatchObject([
      { shape: '', image: name, warm: 1, idle: 0, breaker: expect.stringContaining('is not here') },
    ]);
    await api.images.import({ source: { path: ociArchive } });
    await untilIdle(api, 1, 'busy');
    expect(await api.pools.status('busy')).toMatchObject([{ image: name, warm: 1, idle: 1 }]);
    await second.close();
  });

  it('are not asked for with an image that is not here: then the core does not start', async () => {
    const root = await makeRoot();
    directories.push(root);
    const wrong = { root, pool: { warm: [{ image: 'nosuch', count: 1 }] } };
    expect(await errorOf(startRealCore(wrong))).toMatchObject({ code: 'image_not_found' });
    const core = await startRealCore({ root, pool: { warm: undefined, capacity: undefined } });
    expect((await core.running.api.pools.get(POOL)).policy.warm).toEqual([{ image: 'host', count: 2 }]);
    await core.close();
  });
});

describe('a sandbox', () => {
  it('gets what its pool gives, and says so', async () => {
    const core = await startRealCore();
    const { pools, sandboxes } = core.running.api;
    await pools.create({
      name: 'small',
      warm: [{ image: 'host', count: 1 }],
      resources: { memory: '64m', pids: 50 },
    });
    await untilIdle(core.running.api, 1, 'small');
    const spec = { image: 'host', command: ['sleep', '1000'], pool_ref: 'small' };
    const box = await sandboxes.create({ namespace: 'default', name: 'box', spec });
    expect(box).toMatchObject({
      warm: true,
      spec: { resources: { cpus: 1, memory: 64 * 1024 * 1024, pids: 50 } },
    });
    expect((await sandboxes.get(box)).spec.resources).toEqual(box.spec.resources);
    const { instances } = await pools.get('small');
    expect(instances).toContainEqual(expect.objectContaining({ holder: 'sandbox default/box' }));
    const wrong = { ...spec, pool_ref: 'smal' };
    expect(
      await errorOf(sandboxes.create({ namespace: 'default', name: 'other', spec: wrong })),
    ).toMatchObject({ code: 'not_found', hint: 'Did you mean small?' });
    await core.close();
  });

  it('is ended by force when its pool is deleted, and its end is known', async () => {
    const core = await startRealCore();
    const { pools, sandboxes } = core.running.api;
    await pools.create({ name: 'doomed' });
    const spec = { image: 'host', command: ['sleep', '1000'], pool_ref: 'doomed' };
    const box = await sandboxes.create({ namespace: 'default', name: 'box', spec });
    expect(await errorOf(pools.delete('doomed'))).toMatchObject({ code: 'conflict' });
    await pools.delete('doomed', { force: true });
    expect((await sandboxes.get(box)).state).toMatchObject({ phase: 'Exited', status: { signal: 9 } });
    expect((await pools.list()).map(({ name }) => name)).toEqual([POOL]);
    await core.close();
  });
});
