import { mkdtemp, rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf, execOf, finish, Workbench } from '../../contract/workbench.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { writeBusyboxImage } from '../../helpers/image/busybox-image.ts';

describe('an image that sandboxes used', () => {
  const bench = new Workbench();
  let core: RealCore;
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp('/tmp/fsb-i-');
    core = await startRealCore({ pool: { warm: [] } });
    bench.use(core.running.api);
  });
  afterAll(async () => {
    await core.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('can be removed as soon as the last of them is deleted, and not before', async () => {
    const { images, pools } = core.running.api;
    const { ociArchive, name } = await writeBusyboxImage(directory);
    await images.import({ source: { path: ociArchive } });
    const box = await bench.idle({ image: name });
    const user = `${box.namespace}/${box.name}`;
    expect((await images.inspect(name)).usedBy).toEqual([user]);
    expect(await images.prune({ all: true })).toEqual({ removed: [], freed: 0 });
    expect(await errorOf(images.remove(name))).toMatchObject({
      code: 'conflict',
      message: `cannot remove image busybox:test: ${user} uses it`,
    });
    await bench.core.sandboxes.delete(box, { grace: 0 });
    await images.remove(name);
    expect((await images.list()).map(({ references }) => references)).toEqual([['host']]);
    for (const row of await pools.status()) expect(row).toMatchObject({ idle: 0, booting: 0, claimed: 0 });
    expect(await errorOf(bench.idle({ image: name }))).toMatchObject({ code: 'image_not_found' });
  });

  it('goes by itself after a removal by force, and not under what runs in it', async () => {
    const { images, sandboxes, pools } = core.running.api;
    const { ociArchive, name } = await writeBusyboxImage(directory);
    await images.import({ source: { path: ociArchive } });
    const box = await bench.idle({ image: name });
    const lease = await pools.lease({ pool: 'default-pool', image: name });
    const users = [`${box.namespace}/${box.name}`, `lease ${lease.id}`];
    expect(await images.remove(name, { force: true })).toMatchObject({
      ...{ deleted: false, freed: 0, untagged: [name] },
      image: { usedBy: users },
    });
    expect((await images.list()).slice(1)).toMatchObject([{ references: [], usedBy: users }]);
    expect(await errorOf(bench.idle({ image: name }))).toMatchObject({ code: 'image_not_found' });
    expect((await bench.run(box, 'echo still here')).stdout.toString()).toBe('still here\n');
    await pools.release(lease.id);
    await sandboxes.delete(box, { grace: 0 });
    await expect.poll(async () => (await images.list()).length).toBe(1);
  });

  it('is the very one that a create means by its digest, although its name has moved', async () => {
    const { images, sandboxes } = core.running.api;
    const { ociArchive, name } = await writeBusyboxImage(directory);
    const [old] = await images.import({ source: { path: ociArchive } });
    const moved = await writeBusyboxImage(directory, { config: { Cmd: ['false'] } });
    await images.import({ source: { path: moved.ociArchive } });
    const spec = { image: name, command: ['sh', '-c', 'sleep 1000'] };
    const create = () => sandboxes.create({ ...bench.ref(), spec, imageDigest: old!.digest });
    const box = await create();
    expect(box.spec.image).toBe(name);
    expect((await images.inspect(old!.digest)).usedBy).toEqual([`${box.namespace}/${box.name}`]);
    expect((await images.inspect(name)).usedBy).toEqual([]);
    await sandboxes.delete(box, { grace: 0 });
    await images.remove(old!.digest);
    expect(await errorOf(create())).toMatchObject({
      code: 'image_not_found',
      message: `image busybox:test is not here any more as ${old!.digest}`,
      hint: 'Pull it again: fsb-ctl image pull busybox:test',
    });
    await images.remove(name);
  });

  it('is the very one that a run and a lease mean by its digest', async () => {
    const { images, pools } = core.running.api;
    const { ociArchive, name } = await writeBusyboxImage(directory, { config: { Cmd: ['echo', 'old'] } });
    const [old] = await images.import({ source: { path: ociArchive } });
    const moved = await writeBusyboxImage(directory, { config: { Cmd: ['echo', 'new'] } });
    await images.import({ source: { path: moved.ociArchive } });
    const request = { pool: 'default-pool', image: name, imageDigest: old!.digest };
    const exec = execOf([]);
    expect((await finish(await pools.run({ ...request, exec }))).stdout.toString()).toBe('old\n');
    const lease = await pools.lease(request);
    expect((await images.inspect(old!.digest)).usedBy).toEqual([`lease ${lease.id}`]);
    await pools.release(lease.id);
    await images.remove(old!.digest);
    const gone = { code: 'image_not_found', hint: 'Pull it again: fsb-ctl image pull busybox:test' };
    expect(await errorOf(pools.run({ ...request, exec }))).toMatchObject(gone);
    expect(await errorOf(pools.lease(request))).toMatchObject(gone);
    await images.remove(name);
  });

  it.each(['sandbox', 'lease'])('stays for a %s that waits for an instance of it', async (what) => {
    const { images, sandboxes } = core.running.api;
    const { ociArchive, name } = await writeBusyboxImage(directory);
    await images.import({ source: { path: ociArchive } });
    await bench.core.pools.create({ name: 'one', warm: [], capacity: { max: 1 } });
    const first = await bench.idle({ image: 'host', pool_ref: 'one' });
    const second =
      what === 'lease'
        ? bench.core.pools.lease({ pool: 'one', image: name })
        : bench.idle({ image: name, pool_ref: 'one' });
    await bench.untilWaiting('one', 1);
    expect(await errorOf(images.remove(name))).toMatchObject({ code: 'conflict' });
    await sandboxes.delete(first, { grace: 0 });
    await second;
    await bench.core.pools.delete('one', { force: true });
    // A sandbox that was ended by that has its files still, and they lie over the image.
    for (const box of await sandboxes.list({ namespace: bench.namespace })) {
      const { usedBy } = await images.inspect(name);
      expect(usedBy).toEqual([`${box.namespace}/${box.name}`]);
      expect((await images.prune({ all: true })).removed).toEqual([]);
      await sandboxes.delete(box);
    }
    await images.remove(name);
  });

  it('is spared by a prune while a pool keeps it warm', async () => {
    const { images, pools } = core.running.api;
    const { ociArchive, name } = await writeBusyboxImage(directory);
    await images.import({ source: { path: ociArchive } });
    await pools.create({ name: 'busy', warm: [{ image: name, count: 1 }] });
    expect((await images.inspect(name)).usedBy).toEqual(['warm pool busy']);
    expect((await images.prune({ all: true })).removed).toEqual([]);
    await pools.delete('busy', { force: true });
    const { removed, freed } = await images.prune({ all: true });
    expect(removed.map(({ untagged }) => untagged)).toEqual([[name]]);
    expect(freed).toBe(removed[0]!.image.size);
  });

  it('says which pool keeps it warm when it is removed by force, and goes when that one does so no longer', async () => {
    const { images, pools } = core.running.api;
    const { ociArchive, name } = await writeBusyboxImage(directory);
    await images.import({ source: { path: ociArchive } });
    await pools.create({ name: 'busy', warm: [{ image: name, count: 1 }] });
    await bench.until('busy', ({ idle }) => idle === 1);
    expect(await errorOf(images.remove(name))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('pool busy'),
    });
    const kept = ['warm pool busy'];
    expect(await images.remove(name, { force: true })).toMatchObject({
      deleted: false,
      image: { usedBy: kept },
    });
    expect((await images.list()).slice(1)).toMatchObject([{ references: [], usedBy: kept }]);
    await pools.delete('busy', { force: true });
    await expect.poll(async () => (await images.list()).length).toBe(1);
  });
});
