import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { getPriority, setPriority } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { newInstanceId } from '../../../src/core/model/ids.ts';
import { isAlive } from '../../../src/core/model/process-identity.ts';
import type { BootedInstance } from '../../../src/core/runtime/driver.ts';
import { groupDirectories } from '../../../src/core/runtime/oci/cgroup/layout.ts';
import { readCgroupLayout } from '../../../src/core/runtime/oci/node-facts.ts';
import { createOciDriver } from '../../../src/core/runtime/oci/oci-driver.ts';
import { instancePaths, ociDirectories } from '../../../src/core/runtime/oci/oci-paths.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';
import { createFixture, type OciFixture } from './oci-fixture.ts';

let fixture: OciFixture;

beforeEach(async () => {
  fixture = await createFixture();
});

afterEach(async () => {
  await fixture.close();
});

const boot = (id = newInstanceId(), signal?: AbortSignal): Promise<BootedInstance> =>
  fixture.driver.boot({ id, shape: fixture.shape(), root: fixture.root }, signal);

const directoriesOf = ({ options }: OciFixture): ReturnType<typeof ociDirectories> =>
  ociDirectories(options.runDir, options.stateDir, 'runc');

const lives = ({ pid, pidStartTime }: BootedInstance): boolean => isAlive({ pid, startTime: pidStartTime });

describe('destroy', () => {
  it('leaves nothing, also when it is called twice at once and again', async () => {
    const instance = await boot();
    await Promise.all([fixture.driver.destroy(instance.id), fixture.driver.destroy(instance.id)]);
    await fixture.driver.destroy(instance.id);
    expect(lives(instance)).toBe(false);
    expect(await fixture.leftovers()).toEqual([]);
  });

  it('leaves the files where they are wanted, and says that there is nothing else', async () => {
    const { id } = await boot();
    await fixture.driver.destroy(id, { keepFiles: true });
    const left = { id, pid: 0, alive: false, onlyFiles: true };
    expect(await fixture.driver.list()).toEqual([expect.objectContaining(left)]);
    await fixture.driver.destroy(id);
    expect(await fixture.driver.list()).toEqual([]);
    expect(await fixture.leftovers()).toEqual([]);
  });

  it('leaves them after a start that failed and could not be cleaned up either, also at the end', async () => {
    const { id } = await boot();
    await fixture.driver.destroy(id, { keepFiles: true });
    const precious = join(instancePaths(directoriesOf(fixture), id).layers, '0/upper/precious');
    await writeFile(precious, 'x');
    const launchBinary = join(fixture.directory, 'fsb-launch');
    const poor = createOciDriver({ ...fixture.options, launchBinary });
    const shape = fixture.shape({ again: id });
    await expect(poor.boot({ id, shape, root: fixture.root })).rejects.toMatchObject({ code: 'run_failed' });
    await copyFile(fixture.options.launchBinary, launchBinary);
    await poor.close();
    expect(existsSync(precious)).toBe(true);
  });

  it('ends everything that runs inside, whatever it ignores', async () => {
    const instance = await boot();
    const stubborn =
      'trap "" TERM INT HUP; (trap "" TERM; setsid sleep 1000) & for i in 1 2 3; do sleep 1000 & done; wait';
    const child = fixture.inside(instance.id, 'sh', '-c', stubborn);
    const gone = expect(child).rejects.toThrow();
    await vi.waitFor(
      async () => expect((await fixture.driver.stats(instance.id)).pids).toBeGreaterThan(5),
      20_000,
    );
    await fixture.driver.destroy(instance.id);
    await gone;
    expect(await fixture.leftovers()).toEqual([]);
  });

  it('removes trees that are deeper than a path may be long', async () => {
    const instance = await boot();
    const deep = 'import os\nfor i in range(300):\n  os.mkdir("d"*100); os.chdir("d"*100)';
    await fixture.inside(instance.id, 'python3', '-c', `import os; os.chdir("/tmp")\n${deep}`);
    await fixture.driver.destroy(instance.id);
    expect(await fixture.leftovers()).toEqual([]);
    await vi.waitFor(async () => expect(await readdir(directoriesOf(fixture).trash)).toEqual([]), 10_000);
  });

  it('is fine for an id that never was', async () => {
    await fixture.driver.destroy(newInstanceId());
    await fixture.driver.kill(newInstanceId());
  });

  it('refuses what is no id, so that no path can be smuggled in', async () => {
    for (const id of ['', '..', '../../etc', 'i123', '-f'])
      await expect(fixture.driver.destroy(id)).rejects.toMatchObject({ code: 'internal' });
  });

  it.each(['bundle', 'layers', 'runtimeState'] as const)(
    'removes an instance of which only the %s is left',
    async (part) => {
      await fixture.driver.list();
      const id = newInstanceId();
      await mkdir(join(instancePaths(directoriesOf(fixture), id)[part], 'x'), { recursive: true });
      expect(await fixture.driver.list()).toMatchObject([{ id, alive: false }]);
      await fixture.driver.destroy(id);
      expect(await fixture.driver.list()).toEqual([]);
      expect(await fixture.leftovers()).toEqual([]);
    },
  );

  it('kills what is left in a cgroup that nothing else tells of', async () => {
    const id = newInstanceId();
    const sleeper = execFile('sleep', ['1000']);
    const ended = new Promise((resolve) => sleeper.once('exit', (_, signal) => resolve(signal)));
    for (const group of groupDirectories(
      await readCgroupLayout(),
      instancePaths(directoriesOf(fixture), id).cgroup,
    )) {
      // A cpuset without processors takes nobody in, and one hierarchy is enough to be found.
      if (group.includes('cpuset')) continue;
      await mkdir(join(group, 'nested'), { recursive: true });
      await writeFile(join(group, 'nested/cgroup.procs'), String(sleeper.pid));
    }
    expect(await fixture.driver.list()).toMatchObject([{ id, alive: false, pid: 0 }]);
    await fixture.driver.destroy(id);
    expect(await ended).toBe('SIGKILL');
    expect(await fixture.leftovers()).toEqual([]);
  });
});

describe('kill', () => {
  it('ends PID 1 and leaves the rest to destroy', async () => {
    const instance = await boot();
    await fixture.driver.kill(instance.id);
    await vi.waitFor(() => expect(lives(instance)).toBe(false), 20_000);
    expect(await fixture.driver.list()).toMatchObject([{ id: instance.id, alive: false }]);
    await fixture.driver.kill(instance.id);
    await fixture.driver.destroy(instance.id);
    expect(await fixture.leftovers()).toEqual([]);
  });
});

describe('boot', () => {
  it('runs ten side by side', async () => {
    const instances = await Promise.all(Array.from({ length: 10 }, () => boot()));
    expect(instances.every(lives)).toBe(true);
    expect((await fixture.driver.list()).map(({ id, alive }) => [id, alive])).toEqual(
      instances.map(({ id }) => [id, true]).sort(),
    );
    await Promise.all(instances.map(({ id }) => fixture.driver.destroy(id)));
    expect(await fixture.leftovers()).toEqual([]);
  });

  it.each([0, 2, 5, 10, 15, 20, 30])('leaves nothing when it is aborted after %i ms', async (ms) => {
    const id = newInstanceId();
    const abort = new AbortController();
    setTimeout(() => abort.abort(), ms);
    const outcome = await boot(id, abort.signal).then(
      () => 'booted',
      (error: { code: string }) => error.code,
    );
    if (outcome === 'booted') return;
    expect(outcome).toBe('cancelled');
    expect(await fixture.leftovers()).toEqual([]);
  });

  it('ends at the usual priority, also when nobody waits for it', async () => {
    const lowUntil = new AbortController().signal;
    const request = { id: newInstanceId(), shape: fixture.shape(), root: fixture.root, lowUntil };
    const { id, pid } = await fixture.driver.boot(request);
    expect(getPriority(pid)).toBe(0);
    expect(await fixture.inside(id, 'nice')).toBe('0\n');
  });

  it('is cut short by destroy', async () => {
    const id = newInstanceId();
    const booting = expect(boot(id)).rejects.toMatchObject({ code: 'cancelled' });
    await fixture.driver.destroy(id);
    await booting;
    expect(await fixture.leftovers()).toEqual([]);
  });

  it('does not start when it was aborted before', async () => {
    await expect(boot(newInstanceId(), AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
    expect(await fixture.leftovers()).toEqual([]);
  });

  it('refuses an id that is taken and leaves that instance alone', async () => {
    const instance = await boot();
    await expect(boot(instance.id)).rejects.toMatchObject({ code: 'conflict' });
    expect(lives(instance)).toBe(true);
  });

  it.each([
    [
      'a mount whose source is not there',
      { source: '/no/such/thing', target: '/mnt' },
      'run_failed',
      '/no/such/thing',
    ],
    ['a mount over a file', { source: '/usr', target: '/etc/passwd' }, 'run_failed', '/etc/passwd'],
    ['a mount over /proc', { source: '/usr', target: '/proc/../proc/1' }, 'invalid_argument', '/proc'],
  ])('fails for %s', async (_, mount, code, named) => {
    const shape = fixture.shape({ mounts: [{ ...mount, readOnly: true }] });
    const error = await fixture.driver
      .boot({ id: newInstanceId(), shape, root: fixture.root })
      .catch((e) => e);
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(named);
    expect(await fixture.leftovers()).toEqual([]);
  });

  it('does not take an instance whose files are gone for a new one', async () => {
    const { id } = await boot();
    await fixture.driver.destroy(id);
    const again = { id, shape: fixture.shape({ again: id }), root: fixture.root };
    await expect(fixture.driver.boot(again)).rejects.toMatchObject({
      code: 'run_failed',
      message: expect.stringMatching(/take up layers .+: No such file or directory$/),
      hint: expect.stringContaining('are gone. Begin anew from the image: fsb-ctl reset'),
    });
    expect(await fixture.leftovers()).toEqual([]);
  });

  it('fails for an image whose layer is not there', async () => {
    const root = { overlays: [{ target: '/', lower: ['/no/such/layer'] }] };
    const error = await fixture.driver
      .boot({ id: newInstanceId(), shape: fixture.shape(), root })
      .catch((e) => e);
    expect(error).toMatchObject({ code: 'run_failed', message: expect.stringContaining('/no/such/layer') });
    expect(await fixture.leftovers()).toEqual([]);
  });

  it('mounts hundreds of layers, with colons and commas in their paths', async () => {
    const layers: string[] = [];
    for (let i = 0; i < 300; i++) {
      const layer = join(fixture.directory, `layers:${'x'.repeat(100)},y/${i}`);
      await mkdir(layer, { recursive: true });
      await writeFile(join(layer, `file-${i}`), '');
      layers.push(layer);
    }
    const [first, ...rest] = fixture.root.overlays;
    const root = { overlays: [{ target: '/', lower: [...layers, ...first!.lower] }, ...rest] };
    const { id } = await fixture.driver.boot({ id: newInstanceId(), shape: fixture.shape(), root });
    expect(await fixture.inside(id, 'sh', '-c', 'ls / | grep -c ^file-')).toBe('300\n');
  });
});

describe('a driver that lacks something', () => {
  const bootWith = async (changes: Parameters<typeof createFixture>[0]) => {
    const poor = createOciDriver({ ...fixture.options, ...changes });
    const error = await poor
      .boot({ id: newInstanceId(), shape: fixture.shape(), root: fixture.root })
      .catch((e) => e);
    expect(await fixture.leftovers()).toEqual([]);
    return { error, poor };
  };

  it.each([
    ['the runtime', { binary: '/no/such/runc' }, 'apt-get install runc'],
    ['fsb-init', { initBinary: '/no/such/fsb-init' }, 'make -C guest'],
    ['fsb-launch', { launchBinary: '/no/such/fsb-launch' }, 'make -C guest'],
  ])('says how to get %s', async (_, changes, hint) => {
    const { error, poor } = await bootWith(changes);
    expect(error).toMatchObject({ code: 'run_failed', hint: expect.stringContaining(hint) });
    expect(await poor.probe()).toMatchObject({ available: false, hint: expect.stringContaining(hint) });
  });

  it('repeats what a broken runtime does not say', async () => {
    const broken = join(fixture.directory, 'broken');
    await writeFile(broken, '#!/bin/sh\nexit 3\n');
    await chmod(broken, 0o755);
    const { error } = await bootWith({ binary: broken });
    expect(error).toMatchObject({ code: 'run_failed', message: expect.stringContaining('exit code 3') });
  });

  const hangingRuntime = async (): Promise<string> => {
    const hanging = join(fixture.directory, 'hanging');
    await writeFile(hanging, `#!/bin/sh\necho > ${fixture.directory}/up\nsleep 1000 & wait\n`);
    await chmod(hanging, 0o755);
    return hanging;
  };

  it('leaves it to who boots how long that may take', async () => {
    const clock = createManualClock();
    const patient = createOciDriver({ ...fixture.options, binary: await hangingRuntime(), clock });
    const givenUp = new AbortController();
    const request = { id: newInstanceId(), shape: fixture.shape(), root: fixture.root };
    const booting = patient.boot(request, givenUp.signal).catch((error: unknown) => error);
    await vi.waitFor(() => readFile(join(fixture.directory, 'up')), 10_000);
    await clock.advance(3_600_000);
    // When these have ended, so has a boot that was killed before them.
    for (let i = 0; i < 3; i++) await patient.destroy(newInstanceId());
    givenUp.abort();
    expect(await booting).toMatchObject({ code: 'cancelled' });
    await patient.close();
    expect(await fixture.leftovers()).toEqual([]);
  });

  it('gives up on a runtime that hangs', async () => {
    const hanging = await hangingRuntime();
    const { error } = await bootWith({ binary: hanging, bootTimeoutMs: 300 });
    expect(error).toMatchObject({ code: 'run_failed', message: expect.stringContaining('300 ms') });
  });
});

describe('a new driver on the same directories', () => {
  it('finds what lives, controls it and finishes what the old one left in the trash', async () => {
    const instance = await boot();
    await mkdir(join(directoriesOf(fixture).trash, 'old/tree'), { recursive: true });
    const next = createOciDriver(fixture.options);
    expect(await next.list()).toEqual([{ ...instance, alive: true, onlyFiles: false }]);
    await next.destroy(instance.id);
    await next.close();
    expect(await readdir(directoriesOf(fixture).trash)).toEqual([]);
    expect(await fixture.leftovers()).toEqual([]);
  });

  it('gives what it takes up the usual priority, of which its boot may have been cut off', async () => {
    const { pid } = await boot();
    setPriority(pid, 10);
    const next = createOciDriver(fixture.options);
    const [found] = await next.list();
    next.takeUp(found!);
    expect(getPriority(pid)).toBe(0);
    await next.close();
  });

  it('does not touch instances of another runtime', async () => {
    const instance = await boot();
    const other = createOciDriver({ ...fixture.options, runtime: 'crun' });
    expect(await other.list()).toEqual([]);
    await other.close();
    expect(lives(instance)).toBe(true);
  });

  it('is left no cgroup by close', async () => {
    const { id } = await boot();
    await fixture.driver.destroy(id);
    await fixture.driver.close();
    const parents = groupDirectories(await readCgroupLayout(), directoriesOf(fixture).cgroupParent);
    expect(parents.filter((path) => existsSync(path))).toEqual([]);
  });

  it('cleans up after a core that was killed in the middle of a boot', async () => {
    const script = join(fixture.directory, 'core.ts');
    const module = join(import.meta.dirname, 'oci-killed-core.ts');
    await writeFile(
      script,
      JSON.stringify({
        options: { ...fixture.options, log: undefined, clock: undefined },
        root: fixture.root,
        shape: fixture.shape(),
      }),
    );
    const tsx = join(import.meta.dirname, '../../../node_modules/.bin/tsx');
    let interrupted = 0;
    for (const ms of ['5', '15', '25']) {
      await promisify(execFile)(tsx, [module, script, ms]).catch(() => undefined);
      for (const { id, alive } of await fixture.driver.list()) {
        if (!alive) interrupted++;
        await fixture.driver.destroy(id);
      }
      expect(await fixture.leftovers()).toEqual([]);
    }
    expect(interrupted).toBeGreaterThan(0);
  });
});
