import { renameSync } from 'node:fs';
import { access, mkdir, readdir, statfs, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runningCore } from '../../../src/cli/local/daemon/running-core.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { corePaths } from '../../../src/core/model/paths.ts';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { errorOf, Workbench } from '../../contract/workbench.ts';
import { firstProcessOf } from '../../helpers/core/lose.ts';
import { makeRoot, type RealCore, repository, startRealCore } from '../../helpers/core/real-core.ts';
import { type SmallDisk, smallDisk } from '../../helpers/core/small-disk.ts';
import { delay, logged, until } from '../../helpers/core/waiting.ts';

let disk: SmallDisk;
let core: RealCore;
const bench = new Workbench();

beforeEach(async () => {
  disk = await smallDisk(32 * 1024 * 1024);
  core = await startRealCore({ root: join(disk.path, 'r'), pool: { warm: [] } });
  bench.use(core.remote);
});

afterEach(async () => {
  await core.close();
  await disk.close();
});

const full = {
  code: 'no_capacity',
  message: expect.stringMatching(/the disk(?: of \/.*)? is full/),
  hint: expect.stringContaining('fsb-ctl image prune'),
};

/** As a service manager does: what runs lives on. */
async function stop(): Promise<void> {
  await core.remote.close();
  await core.running.close();
}

/** With the pools that are on record: to change one is a write. */
async function startAgain(root: string): Promise<void> {
  core = await startRealCore({ root, pool: { warm: undefined, capacity: undefined } });
  bench.use(core.remote);
}

const answers = async (box: Sandbox): Promise<void> =>
  expect((await bench.run(box, 'echo hi')).stdout.toString()).toBe('hi\n');

/** Bytes. */
async function room(): Promise<number> {
  const { bavail, bsize } = await statfs(disk.path);
  return bavail * bsize;
}

/** Until there is no room for a record either, within what the store has already. */
async function fillRecords(): Promise<void> {
  for (let n = 0, failed = false; !failed; n++) {
    const wide = bench.core.pools.create({ name: `p${n}${'x'.repeat(40)}`, warm: [] });
    failed = await wide.then(
      () => false,
      () => true,
    );
  }
}

describe('a core that ends on a full disk, and the next one', () => {
  it('begins without any room, can be found, and makes room', async () => {
    const { root } = core;
    const box = await bench.shell('head -c 10000000 /dev/zero > /file; echo full; sleep 1000');
    const other = await bench.idle();
    await logged(bench, box, 'full');
    await disk.fill();
    await stop();
    await startAgain(root);
    const paths = corePaths({ FSB_ROOT: root }, 0);
    await expect(access(paths.status)).rejects.toThrow('ENOENT');
    expect(await runningCore({ paths, packageRoot: repository, env: {} })).toEqual({
      ...core.running.status,
      // Only the file says that.
      grpc: '',
    });
    for (const one of [box, other]) await answers(one);
    await bench.core.sandboxes.delete(box, { grace: 0 });
    while ((await room()) < 9 * 1024 * 1024) await delay(20);
    await bench.core.pools.update('default-pool', { reset: true });
    await answers(await bench.idle());
  });

  it('begins where only its state has no room, finds what runs, and deletes it', async () => {
    const root = await makeRoot();
    await mkdir(join(disk.path, 'state'));
    await symlink(join(disk.path, 'state'), join(root, 'state'));
    await core.close();
    await startAgain(root);
    const box = await bench.shell('echo begun; sleep 1000');
    await logged(bench, box, 'begun');
    const free = await disk.fill();
    await stop();
    await startAgain(root);
    expect((await bench.core.sandboxes.get(box)).state.phase).toBe('Running');
    await answers(box);
    await bench.core.sandboxes.delete(box, { grace: 0 });
    expect(await bench.core.sandboxes.list({})).toEqual([]);
    // What was deleted has made room.
    await disk.fill();
    expect(await errorOf(bench.idle())).toMatchObject(full);
    await free();
    await bench.core.pools.update('default-pool', { reset: true });
    await answers(await bench.idle());
  });

  it('begins although the machine has changed, and says why it has no image of it', async () => {
    const { root } = core;
    const box = await bench.shell('head -c 10000000 /dev/zero > /file; echo full; sleep 1000');
    await logged(bench, box, 'full');
    await disk.fill();
    await stop();
    // As if it had been built for what the machine was before.
    const skeletons = join(root, 'state/images/host');
    const [now] = await readdir(skeletons);
    renameSync(join(skeletons, now!), join(skeletons, 'f'.repeat(64)));
    await startAgain(root);
    await answers(box);
    expect(await errorOf(bench.idle())).toMatchObject(full);
    // What people look for room with.
    expect(await bench.core.images.list()).toEqual([]);
    expect((await bench.core.system.usage()).logs).toHaveLength(1);
    await bench.core.sandboxes.delete(box, { grace: 0 });
    while ((await room()) < 9 * 1024 * 1024) await delay(20);
    await bench.core.pools.update('default-pool', { reset: true });
    await answers(await bench.idle());
  });

  it('begins although a guest died meanwhile, and tells that, and what was stopped on the full disk', async () => {
    const root = await makeRoot();
    await mkdir(join(disk.path, 'state'));
    await symlink(join(disk.path, 'state'), join(root, 'state'));
    await core.close();
    await startAgain(root);
    const dead = await bench.idle();
    const pid = await firstProcessOf(bench.core, root, dead);
    const [other, ended] = [await bench.idle(), await bench.idle()];
    await disk.fill();
    await fillRecords();
    // There is room for the record of an end.
    const { state } = await bench.core.sandboxes.stop(ended, { grace: 0 });
    expect(state).toMatchObject({ phase: 'Exited', status: { signal: 9 } });
    await stop();
    process.kill(pid, 'SIGKILL');
    const free = await disk.fill();
    await startAgain(root);
    expect((await bench.core.sandboxes.get(dead)).state.phase).toBe('Lost');
    expect((await bench.core.sandboxes.get(ended)).state).toEqual(state);
    await answers(other);
    await free();
    await stop();
    await startAgain(root);
    expect((await bench.core.sandboxes.get(dead)).state.phase).toBe('Lost');
    expect(await bench.core.sandboxes.start(ended)).toMatchObject({ generation: 2 });
    await answers(other);
  });

  it('has ended what was stopped meanwhile, with its files, although no core could record that', async () => {
    const { root } = core;
    // Records that find no room within what the store has already.
    const envs = Object.fromEntries([...'ABCDEFGHIJKL'].map((name) => [name, 'x'.repeat(60_000)]));
    const policy = { failure_policy: 'AutoRecreate' as const, recovery_timeout_seconds: 0 };
    const spec = { envs, ...policy, resources: { memory: '64m' } };
    const boxes = [await bench.idle(spec), await bench.idle(spec), await bench.idle(spec)];
    for (const box of boxes) await bench.run(box, 'echo precious > /file');
    const free = await disk.fill();
    const { sandboxes } = bench.core;
    const answered = await Promise.all(
      boxes.map((box) => sandboxes.stop(box, { grace: 0 }).then(({ state }) => state.phase, FsbError.from)),
    );
    const refused = answered.filter((answer) => typeof answer !== 'string');
    expect(refused.length).toBeGreaterThan(0);
    for (const error of refused)
      expect(error).toMatchObject({
        ...full,
        message: expect.stringContaining('has ended, but that cannot be recorded'),
      });
    await stop();
    await startAgain(root);
    await free();
    const phaseOf = async (box: Sandbox): Promise<string> =>
      (await bench.core.sandboxes.get(box)).state.phase;
    for (const box of boxes) await until(async () => (await phaseOf(box)) === 'Exited');
    for (const box of boxes) {
      expect(await bench.core.sandboxes.start(box)).toMatchObject({ generation: 2 });
      expect((await bench.run(box, 'cat /file')).stdout.toString()).toBe('precious\n');
      await bench.core.sandboxes.delete(box, { grace: 0 });
    }
  });
});
