import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { errorOf, Workbench } from '../../contract/workbench.ts';
import { startCoreProcess } from '../../helpers/core/core-process.ts';
import { firstProcesses } from '../../helpers/core/first-processes.ts';
import { leftRecords } from '../../helpers/core/left-records.ts';
import { failingDisk } from '../../helpers/core/small-disk.ts';
import { textOf } from '../../helpers/core/storm/promises.ts';
import { traces } from '../../helpers/core/traces.ts';
import { until } from '../../helpers/core/waiting.ts';

const readOnly = {
  code: 'unavailable',
  message: expect.stringMatching(/its file system can only be read|[Rr]ead-only file system/),
  hint: expect.stringContaining('look at dmesg'),
};

/** As long as they are there, the disk cannot be unmounted. */
async function killAll(root: string): Promise<void> {
  const pids = [...(await firstProcesses(root)).values()];
  for (const pid of pids)
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // One that was destroyed is dead, and its state could not be removed.
    }
  await until(async () => !pids.some((pid) => existsSync(`/proc/${pid}`)));
}

it('a core whose disk becomes read-only says so, what runs goes on, and all is well after a repair', async () => {
  await using disk = await failingDisk(96 * 1024 * 1024);
  const root = join(disk.path, 'r');
  const core = await startCoreProcess(root);
  const bench = new Workbench();
  bench.use(core.api);
  const box = await bench.shell('i=0; while :; do echo line $i; i=$((i + 1)); sleep 0.01; done');
  const other = await bench.idle();
  await until(async () => (await textOf(core.api, box)).includes('line 9\n'));
  await until(async () =>
    (await core.api.pools.status()).some(({ idle, booting }) => idle >= 2 && booting === 0),
  );

  disk.fail();
  const { sandboxes, pools } = core.api;
  const calls = [
    () => bench.idle(),
    () => bench.idle({ resources: { memory: '64m' } }),
    () => sandboxes.rename(other, 'renamed'),
    () => sandboxes.pause(other),
    () => pools.create({ name: 'p' }),
    () => pools.lease({ pool: 'default-pool' }),
  ];
  // Again and again: the records must stand it.
  for (let turn = 0; turn < 10; turn++)
    for (const call of calls) expect(await errorOf(call())).toMatchObject(readOnly);
  for (const one of [box, other]) {
    expect((await sandboxes.get(one)).state.phase).toBe('Running');
    const said = await bench.run(one, 'echo hi; touch /file');
    expect(said.stdout.toString()).toBe('hi\n');
    expect(said.stderr.toString()).toContain('Read-only file system');
  }
  expect(await textOf(core.api, box)).toContain('line 9\n');
  expect(await errorOf(sandboxes.delete(other, { grace: 0 }))).toMatchObject(readOnly);
  expect((await sandboxes.get(box)).state.phase).toBe('Running');

  // What is mounted in the sandboxes keeps the disk from being repaired.
  await core.kill();
  await killAll(root);
  disk.repair();
  const next = await startCoreProcess(root);
  bench.use(next.api);
  expect((await next.api.sandboxes.get(box)).state.phase).toBe('Lost');
  expect((await bench.run(await bench.idle(), 'echo hi > /file; cat /file')).stdout.toString()).toBe('hi\n');
  await bench.cleanUp();
  expect(await next.stop()).toBe(0);
  expect(await traces(root)).toEqual([]);
  expect(await leftRecords(root)).toEqual([]);
}, 60_000);

it('a core whose disk became read-only ends in order, and leaves to the next one what it cannot remove', async () => {
  await using disk = await failingDisk(96 * 1024 * 1024);
  const root = join(disk.path, 'r');
  const core = await startCoreProcess(root);
  const bench = new Workbench();
  bench.use(core.api);
  await bench.shell('i=0; while :; do echo line $i; i=$((i + 1)); sleep 0.01; done');
  await until(async () =>
    (await core.api.pools.status()).some(({ idle, booting }) => idle >= 2 && booting === 0),
  );
  disk.fail();
  expect(await core.stop()).toBe(0);
  await killAll(root);
  disk.repair();
  const next = await startCoreProcess(root);
  bench.use(next.api);
  await bench.cleanUp();
  expect(await next.stop()).toBe(0);
  expect(await traces(root)).toEqual([]);
  expect(await leftRecords(root)).toEqual([]);
}, 60_000);
