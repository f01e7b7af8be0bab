import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SystemUsage } from '../../../src/core/model/system.ts';
import { Workbench } from '../../contract/workbench.ts';
import { startCoreProcess } from '../../helpers/core/core-process.ts';
import { firstProcesses } from '../../helpers/core/first-processes.ts';
import { makeRoot, type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { writeBusyboxImage } from '../../helpers/image/busybox-image.ts';

const MEBI = 1024 ** 2;

describe('what everything takes', () => {
  const bench = new Workbench();
  let core: RealCore;
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp('/tmp/fsb-i-');
    core = await startRealCore();
    bench.use(core.remote);
  });
  afterAll(async () => {
    await bench.cleanUp();
    await core.close();
    await rm(directory, { recursive: true, force: true });
  });
  const filesOf = ({ instances }: SystemUsage, id: string) =>
    instances.find(({ sandboxId }) => sandboxId === id);

  it('is told of files of a sandbox that runs, of one that has ended, and of its log', async () => {
    const { sandboxes, system } = bench.core;
    const script = 'head -c 3145728 /dev/zero >/f; echo hello; read x || exit 0';
    const box = await bench.shell(`${script}; while :; do sleep 1000; done`, { stdin: true });
    await expect.poll(async () => filesOf(await system.usage(), box.id)?.files).toBeGreaterThan(3 * MEBI);
    const running = filesOf(await system.usage(), box.id);
    expect(running).toMatchObject({ holder: 'sandbox', pool: 'default-pool' });
    expect(running?.files).toBeLessThan(4 * MEBI);
    expect(running?.memory).toBeGreaterThan(0);

    await sandboxes.stop(box, { grace: 0 });
    await expect.poll(async () => filesOf(await system.usage(), box.id)?.holder).toBe('files');
    const usage = await system.usage();
    expect(filesOf(usage, box.id)).toMatchObject({ memory: 0, files: expect.any(Number) });
    expect(filesOf(usage, box.id)!.files).toBeGreaterThan(3 * MEBI);
    const log = usage.logs.find(({ sandboxId }) => sandboxId === box.id);
    expect(log?.size).toBeGreaterThan('hello\n'.length);
    expect((await system.health()).logs).toBe(usage.logs.reduce((sum, { size }) => sum + size, 0));

    await sandboxes.delete(box, { grace: 0 });
    const after = await system.usage();
    expect(filesOf(after, box.id)).toBeUndefined();
    expect(after.logs.map(({ sandboxId }) => sandboxId)).not.toContain(box.id);
  });

  it('is told of directories that are deeper than a path may be long', async () => {
    const deep = `python3 -c '
import os
os.chdir("/tmp")
for i in range(60):
  os.mkdir("d" * 100)
  os.chdir("d" * 100)
open("f", "wb").write(bytes(3145728))'`;
    const box = await bench.shell(deep);
    expect(await bench.core.sandboxes.wait(box)).toMatchObject({ code: 0 });
    const usage = await bench.core.system.usage();
    expect(filesOf(usage, box.id)?.files).toBeGreaterThan(3 * MEBI);
  });

  it('is told of images, and which would go once a sandbox is gone', async () => {
    const { images, sandboxes, system } = bench.core;
    const { ociArchive, name } = await writeBusyboxImage(directory);
    const [image] = await images.import({ source: { path: ociArchive } });
    expect((await system.usage()).images).toEqual({
      size: image!.size,
      reclaimable: image!.size,
      leftovers: 0,
    });
    const box = await bench.shell('exit 0', { image: name });
    await sandboxes.wait(box);
    expect((await system.usage()).images).toMatchObject({ size: image!.size, reclaimable: 0 });

    const dry = { all: true, dryRun: true };
    expect((await images.prune(dry)).removed).toEqual([]);
    const without = [`${box.namespace}/${box.name}`];
    expect((await images.prune({ ...dry, without })).removed).toMatchObject([
      { image: { references: [name] } },
    ]);
    // Only for the question: nothing that is used can be removed so.
    expect((await images.prune({ all: true, without })).removed).toEqual([]);
    await sandboxes.delete(box, { grace: 0 });
    expect(await images.prune({ all: true })).toMatchObject({ freed: image!.size });
    expect((await system.usage()).images).toEqual({ size: 0, reclaimable: 0, leftovers: 0 });
  });

  it('is told of what was set aside, and nothing else is removed with it', async () => {
    const { system } = bench.core;
    const state = join(core.root, 'state');
    const aside = join(state, 'records.aside-2026-01-01');
    const list = join(state, 'images/images.json.damaged-2026-01-01');
    await mkdir(aside);
    await writeFile(join(aside, 'data.mdb'), 'x'.repeat(1000));
    await writeFile(list, '{');
    const before = (await readdir(state)).sort();
    const found = [
      { path: aside, size: 1000 },
      { path: list, size: 1 },
    ];
    expect((await system.usage()).setAside).toEqual(found);
    expect((await system.health()).setAside).toEqual(found);
    expect(await system.removeSetAside()).toEqual(found);
    expect((await readdir(state)).sort()).toEqual(before.filter((name) => !name.includes('.aside-')));
    expect((await system.health()).setAside).toEqual([]);
  });
});

it('a core tells what became of those of the core before it', { timeout: 60_000 }, async () => {
  const root = await makeRoot();
  const first = await startCoreProcess(root);
  const bench = new Workbench();
  bench.use(first.api);
  const [kept, lost] = [await bench.idle(), await bench.idle()];
  const ended = await bench.shell('exit 0');
  await first.api.sandboxes.wait(ended);
  const usage = await first.api.system.usage();
  const instance = usage.instances.find(({ sandboxId }) => sandboxId === lost.id)!;
  await first.kill();
  process.kill((await firstProcesses(root)).get(instance.id)!, 'SIGKILL');

  const second = await startRealCore({ root });
  try {
    const { recovery, stuck } = await second.remote.system.health();
    expect(recovery).toMatchObject({ running: 1, lost: 1, failed: 0 });
    expect(recovery.files).toBeGreaterThanOrEqual(1);
    expect(stuck).toEqual([]);
    expect((await second.remote.sandboxes.get(kept)).state.phase).toBe('Running');
    expect((await second.remote.sandboxes.get(lost)).state.phase).toBe('Lost');
  } finally {
    await second.close();
  }
});
