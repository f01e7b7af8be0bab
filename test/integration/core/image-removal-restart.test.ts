import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { errorOf, Workbench } from '../../contract/workbench.ts';
import { type CoreProcess, startCoreProcess } from '../../helpers/core/core-process.ts';
import { firstProcesses } from '../../helpers/core/first-processes.ts';
import { makeRoot } from '../../helpers/core/real-core.ts';
import { traces } from '../../helpers/core/traces.ts';
import { writeBusyboxImage } from '../../helpers/image/busybox-image.ts';

/** An image is removed by force while sandboxes use it, and then the core is killed. */

let root: string;
let core: CoreProcess;
let name: string;
const bench = new Workbench();
let boxes: [Sandbox, Sandbox];

beforeEach(async () => {
  root = await makeRoot();
  await start();
  await mkdir(join(root, 'files'));
  const image = await writeBusyboxImage(join(root, 'files'));
  name = image.name;
  await core.api.images.import({ source: { path: image.ociArchive } });
  boxes = [await bench.idle({ image: name }), await bench.idle({ image: name })];
  expect(await core.api.images.remove(name, { force: true })).toMatchObject({ deleted: false });
});

afterEach(async () => {
  await bench.cleanUp();
  expect(await core.stop()).toBe(0);
  expect(await traces(root)).toEqual([]);
  await rm(root, { recursive: true, force: true });
});

async function start(): Promise<void> {
  core = await startCoreProcess(root, { pool: { warm: [] } });
  bench.use(core.api);
}

async function restart(): Promise<void> {
  await core.kill();
  await start();
}

const parts = async (): Promise<string[]> =>
  (await Promise.all(['layers', 'blobs/sha256', 'staging'].map((part) => inStore(part)))).flat();
const inStore = (part: string): Promise<string[]> => readdir(join(root, 'state/images', part));
const unnamed = async (): Promise<number> => (await core.api.images.list()).length - 1;
const deleteBox = (box: Sandbox): Promise<void> => core.api.sandboxes.delete(box, { grace: 0 });

it('it stays for those that live on, and goes with the last of them', { timeout: 120_000 }, async () => {
  await restart();
  expect((await core.api.images.list()).slice(1)).toMatchObject([{ references: [] }]);
  for (const box of boxes)
    expect((await bench.run(box, 'cat /etc/passwd | wc -l; ls /bin | wc -l')).status).toMatchObject({
      code: 0,
    });
  expect(await errorOf(bench.idle({ image: name }))).toMatchObject({ code: 'image_not_found' });
  await deleteBox(boxes[0]);
  expect(await unnamed()).toBe(1);
  await restart();
  expect((await bench.run(boxes[1], 'echo still here')).stdout.toString()).toBe('still here\n');
  await deleteBox(boxes[1]);
  await expect.poll(unnamed).toBe(0);
  await expect.poll(parts).toEqual([]);
});

it('it stays below the files of what has ended meanwhile, and goes when that is deleted', {
  timeout: 120_000,
}, async () => {
  const pids = [...(await firstProcesses(root)).values()];
  expect(pids).toHaveLength(2);
  await core.kill();
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await start();
  for (const box of boxes) expect((await core.api.sandboxes.get(box)).state.phase).toBe('Lost');
  expect(await unnamed()).toBe(1);
  for (const box of boxes) await deleteBox(box);
  await expect.poll(unnamed).toBe(0);
  await expect.poll(parts).toEqual([]);
});

it('it is there for all when it comes again meanwhile', { timeout: 120_000 }, async () => {
  await restart();
  await core.api.images.import({ source: { path: join(root, 'files/busybox-oci.tar') } });
  await restart();
  for (const box of boxes) await deleteBox(box);
  expect((await core.api.images.list()).slice(1)).toMatchObject([{ references: [name] }]);
  const box = await bench.idle({ image: name });
  expect((await bench.run(box, 'echo here')).stdout.toString()).toBe('here\n');
});
