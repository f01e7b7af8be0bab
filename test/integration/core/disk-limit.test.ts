import { execFileSync } from 'node:child_process';
import { open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { errorOf, execOf, finish, Workbench } from '../../contract/workbench.ts';
import { startCoreProcess } from '../../helpers/core/core-process.ts';
import { leftovers } from '../../helpers/core/leftovers.ts';
import { makeRoot, type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { loops } from '../../helpers/core/traces.ts';
import { until } from '../../helpers/core/waiting.ts';

const MIB = 1024 ** 2;
const disk = 32 * MIB;
const WRITES = 'dd if=/dev/zero of=/filler bs=64k count=2048 2>&1; stat -c %s /filler';

const bench = new Workbench();
let core: RealCore;
beforeAll(async () => {
  core = await startRealCore();
  bench.use(core.remote);
});
afterEach(() => bench.cleanUp());
afterAll(() => core.close());

const limited = (spec: object = {}): Promise<Sandbox> => bench.idle({ resources: { disk }, ...spec });

const read = async (box: Sandbox, script: string): Promise<string> =>
  (await bench.run(box, script)).stdout.toString().trim();

/** The images of all disks. */
async function images(root: string): Promise<string[]> {
  const instances = join(root, 'state/instances/runc');
  const found: string[] = [];
  for (const id of await readdir(instances))
    if ((await readdir(join(instances, id))).includes('disk.img'))
      found.push(join(instances, id, 'disk.img'));
  return found;
}

/** That of a sandbox that has ended. */
async function imageOf(box: Sandbox): Promise<string> {
  const { instances } = await bench.core.system.usage();
  const { id } = instances.find(({ sandboxId }) => sandboxId === box.id)!;
  return join(core.root, 'state/instances/runc', id, 'disk.img');
}

/** Waits until the kernel has let go of it. */
const released = (image: string): Promise<void> =>
  until(async () => !(await loops(core.root)).some((line) => line.endsWith(image)));

describe('a sandbox with a limit of disk', () => {
  it('is told that there is no room at its limit, and takes no more of the node; others write on', async () => {
    const [box, neighbour] = [await limited(), await bench.idle()];
    const said = await read(box, WRITES);
    expect(said).toContain('No space left on device');
    const written = Number(said.split('\n').at(-1));
    expect(written).toBeGreaterThan(0.85 * disk);
    expect(written).toBeLessThan(disk);
    const { blocks } = await stat(await imageOf(box));
    expect(blocks * 512).toBeLessThanOrEqual(disk);
    expect(await read(neighbour, WRITES)).toMatch(new RegExp(`\n${128 * MIB}$`));
    expect(await read(box, 'echo fine; rm /filler; echo fine > /again; cat /again')).toBe('fine\nfine');
  });

  it('has the same limit for every file, those of its image, too; and no more files than fit', async () => {
    const box = await limited();
    const [root, usr] = (await read(box, 'stat -f -c "%b %S" / /usr')).split('\n');
    expect(usr).toBe(root);
    const touch = '$i = 0; for (;;) { open(F, ">", "/tmp/$i") or last; $i++ } print "$! at $i"';
    const said = await read(box, `perl -e '${touch}'`);
    expect(said).toMatch(/^No space left on device at \d{4}$/);
  });

  it('keeps its files, and its limit, when it is stopped and started; a reset takes them', async () => {
    const { sandboxes } = bench.core;
    const box = await limited();
    await bench.run(box, 'echo kept > /usr/file; head -c 20m /dev/zero > /filler');
    await sandboxes.stop(box, { grace: 0 });
    const again = await sandboxes.start(box);
    expect(again.spec.resources.disk).toBe(disk);
    expect(await read(again, 'cat /usr/file; head -c 20m /dev/zero > /more || echo full')).toBe('kept\nfull');
    const anew = await sandboxes.reset(box, { grace: 0 });
    expect(await read(anew, 'ls /usr/file 2>/dev/null; head -c 20m /dev/zero > /more && echo room')).toBe(
      'room',
    );
  });

  it('has its files when it has ended, for tools', async () => {
    const box = await bench.shell('echo hi > /out', { resources: { disk } });
    await bench.core.sandboxes.wait(box);
    const tool = execOf(['stat', '--', '/out'], { guestTool: true });
    expect((await finish(await bench.core.sandboxes.exec(box, tool))).status.code).toBe(0);
  });

  it('counts with what it has written', async () => {
    const box = await limited();
    const size = async (): Promise<number> => {
      const { instances } = await bench.core.system.usage();
      return instances.find(({ sandboxId }) => sandboxId === box.id)!.files;
    };
    const before = await size();
    expect(before).toBeLessThan(MIB);
    await bench.run(box, 'head -c 8m /dev/urandom > /file; sync');
    await bench.core.sandboxes.stop(box, { grace: 0 });
    expect((await size()) - before).toBeGreaterThan(7.9 * MIB);
  });

  it('is repaired when it was not unmounted, as after a loss of power', async () => {
    const { sandboxes } = bench.core;
    const box = await limited();
    await bench.run(box, 'echo kept > /file');
    await sandboxes.stop(box, { grace: 0 });
    const image = await imageOf(box);
    await released(image);
    execFileSync('debugfs', ['-w', '-R', 'set_super_value state 0', image], { stdio: 'ignore' });
    expect(await read(await sandboxes.start(box), 'cat /file')).toBe('kept');
  });

  it('is refused when it cannot be repaired, and can be reset', async () => {
    const { sandboxes } = bench.core;
    const box = await limited();
    await sandboxes.stop(box, { grace: 0 });
    await withoutSuperblock(await imageOf(box));
    expect(await errorOf(sandboxes.start(box))).toMatchObject({
      code: 'run_failed',
      message: expect.stringMatching(/repair .*disk\.img: e2fsck cannot mend .*; a reset begins anew/),
    });
    expect(await read(await sandboxes.reset(box, { grace: 0 }), 'echo anew')).toBe('anew');
  });

  it.each([
    ['5m', /resources\.disk \(--disk\): must be at least 16m/],
    ['2t', /resources\.disk \(--disk\): must be at most 1t/],
    ['much', /invalid size "much"/],
    [0, /resources\.disk/],
  ])('is refused with %j', async (wrong, reason) => {
    const refused = await errorOf(limited({ resources: { disk: wrong } }));
    expect(refused).toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(reason) });
  });

  it('keeps the size that it has', async () => {
    const box = await limited();
    const refused = await errorOf(bench.core.sandboxes.update(box, { resources: { disk: 2 * disk } }));
    expect(refused).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('keeps its size'),
    });
    const changed = await bench.core.sandboxes.update(box, { resources: { pids: 77 } });
    expect(changed.spec.resources).toMatchObject({ pids: 77, disk });
  });
});

describe('a pool with a limit of disk', () => {
  it('has warm instances with it, and gives them to who says the same or nothing', async () => {
    const { name } = await bench.pool({
      warm: [{ image: 'host', count: 1 }],
      resources: { memory: '64m', disk },
    });
    for (const resources of [{}, { disk }]) {
      await bench.until(name, ({ idle }) => idle > 0);
      const box = await limited({ pool_ref: name, resources });
      expect(box).toMatchObject({ warm: true, spec: { resources: { disk } } });
      expect(await read(box, WRITES)).toContain('No space left on device');
    }
    expect(await limited({ pool_ref: name, resources: { disk: 2 * disk } })).toMatchObject({ warm: false });
    expect((await bench.core.pools.get(name)).policy.resources).toMatchObject({ disk });
    expect((await bench.once(name, WRITES)).stdout.toString()).toContain('No space left on device');
  });

  it('takes another, or none, for what is booted from then on: what was written stays where it is', async () => {
    const { name } = await bench.pool({ resources: { memory: '64m', disk } });
    const box = await bench.idle({ pool_ref: name });
    await bench.run(box, 'echo kept > /file');
    await bench.core.sandboxes.stop(box, { grace: 0 });
    const changed = await bench.core.pools.update(name, { policy: { resources: { disk: 0 } } });
    expect(changed.policy.resources).not.toHaveProperty('disk');
    const again = await bench.core.sandboxes.start(box);
    expect(again.spec.resources.disk).toBe(disk);
    expect(await read(again, 'cat /file')).toBe('kept');
    const unlimited = await bench.idle({ pool_ref: name });
    expect(unlimited.spec.resources).not.toHaveProperty('disk');
    await bench.run(unlimited, 'echo kept > /file');
    await bench.core.sandboxes.stop(unlimited, { grace: 0 });
    await bench.core.pools.update(name, { policy: { resources: { disk } } });
    const free = await bench.core.sandboxes.start(unlimited);
    expect(await read(free, `cat /file; ${WRITES}`)).toMatch(new RegExp(`^kept\n[^]*\n${128 * MIB}$`));
  });
});

describe('the node', () => {
  it('shows no mount of it, and has no loop device left when it is deleted', async () => {
    const box = await limited();
    const image = await imageOf(box);
    expect(await loops(core.root)).toContainEqual(expect.stringContaining(image));
    await bench.core.sandboxes.delete(box, { grace: 0 });
    await released(image);
    expect(await images(core.root)).not.toContain(image);
  });

  it('has nothing left of it after a core that was killed', async () => {
    const root = await makeRoot();
    const pool = { warm: [{ image: 'host', count: 1 }], resources: { memory: '64m', disk } };
    const first = await startCoreProcess(root, { pool });
    const spec = { image: 'host', command: ['sleep', '1000'] };
    const box = await first.api.sandboxes.create({ namespace: 'default', name: 'box', spec });
    await first.kill();
    const second = await startCoreProcess(root, { pool: { ...pool, warm: [] } });
    const session = await second.api.sandboxes.exec(box, execOf(['sh', '-c', WRITES]));
    expect((await finish(session)).stdout.toString()).toContain('No space left on device');
    await second.api.sandboxes.delete(box, { grace: 0 });
    expect(await leftovers(second, root)).toEqual([]);
    expect(await images(root)).toEqual([]);
    await rm(root, { recursive: true });
  });
});

/** Nothing is right without it. */
async function withoutSuperblock(image: string): Promise<void> {
  await released(image);
  await using file = await open(image, 'r+');
  await file.write(Buffer.alloc(1024), 0, 1024, 1024);
}
