import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { open as openLmdb } from 'lmdb';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/core/model/clock.ts';
import { watchFailpoints } from '../../../src/core/model/failure/failpoint.ts';
import { newInstanceId } from '../../../src/core/model/ids.ts';
import { corePaths } from '../../../src/core/model/paths.ts';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { Workbench } from '../../contract/workbench.ts';
import { firstProcesses } from '../../helpers/core/first-processes.ts';
import { makeRoot, type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { until } from '../../helpers/core/waiting.ts';
import { createFixture, type OciFixture } from '../runtime/oci-fixture.ts';

/** Of the pace of the janitor here: nothing else has timers that long. */
const LONG = 20_000;
const janitor = { interval: 30_000, window: 21_000 };

/** The machine's, whose long waits end when the test has it so. */
class HurriedClock implements Clock {
  #ahead = 0;
  readonly #waiting = new Set<{ due: number; callback: () => void }>();
  now(): number {
    return systemClock.now();
  }
  monotonic(): number {
    return systemClock.monotonic() + this.#ahead;
  }
  after(ms: number, callback: () => void): () => void {
    if (ms < LONG) return systemClock.after(ms, callback);
    const timer = { due: this.monotonic() + ms, callback };
    this.#waiting.add(timer);
    return () => this.#waiting.delete(timer);
  }
  hurry(ms: number): void {
    this.#ahead += ms;
    for (const timer of [...this.#waiting])
      if (timer.due <= this.monotonic() && this.#waiting.delete(timer)) timer.callback();
  }
}

let root: string;
let fixture: OciFixture;
beforeEach(async () => {
  root = await makeRoot();
  const { state: stateDir, run: runDir } = corePaths({ FSB_ROOT: root }, 0);
  fixture = await createFixture({ stateDir, runDir });
});
afterEach(async () => {
  watchFailpoints(undefined);
  await fixture.close();
  await rm(root, { recursive: true, force: true });
});

const pool = { warm: [{ image: 'host', count: 1 }], boot_timeout: '1h' };

/** One that the core has no record of. */
async function bootOrphan(): Promise<string> {
  const id = newInstanceId();
  await fixture.driver.boot({ id, shape: fixture.shape(), root: fixture.root });
  return id;
}

/** Makes the record of one that a core which has ended has of an instance one of a later version. */
async function spoil(instance: string): Promise<void> {
  const environment = openLmdb({ path: join(root, 'state/records'), maxDbs: 32, encoding: 'string' });
  const records = environment.openDB<string, string>({ name: 'instances', encoding: 'string' });
  await records.put(instance, records.get(instance)!.replace(/^\[\d+/, '[99'));
  await environment.close();
}

/** Holds the next boot: PID 1 stops before it has answered. @returns its id, once it is held */
function holdNextBoot(): Promise<string> {
  const known = readdirSync(join(root, 'run/runc'));
  return new Promise((resolve) =>
    watchFailpoints((name) => {
      if (name !== 'boot.launched') return;
      watchFailpoints(undefined);
      void firstProcesses(root).then((pids) => {
        // Of another one that is booting there may be no process yet.
        const id = [...pids.keys()].find((each) => !known.includes(each))!;
        process.kill(pids.get(id)!, 'SIGSTOP');
        resolve(id);
      });
    }),
  );
}

const warm = (core: RealCore): Promise<void> =>
  until(async () =>
    (await core.remote.pools.status()).some(({ idle, booting }) => idle > 0 && booting === 0),
  );

it('instances that no record wants go after their window, and no other one does', {
  timeout: 60_000,
}, async () => {
  const bench = new Workbench();
  const first = await startRealCore({ root, pool });
  bench.use(first.remote);
  const [running, ended, aside, frozen] = [
    await bench.shell('echo hi; exec sleep 1000'),
    await bench.shell('echo kept > /file'),
    await bench.idle(),
    await bench.idle(),
  ];
  await first.remote.sandboxes.wait(ended);
  await warm(first);
  const { instances } = await first.remote.system.usage();
  const instanceOf = (box: Sandbox): string => instances.find(({ sandboxId }) => sandboxId === box.id)!.id;
  await first.remote.close();
  await first.running.close();
  await spoil(instanceOf(aside));
  const frozenPid = (await firstProcesses(root)).get(instanceOf(frozen))!;
  process.kill(frozenPid, 'SIGSTOP');

  const clock = new HurriedClock();
  const core: RealCore = await startRealCore({ root, pool, clock, janitor });
  bench.use(core.remote);
  const { system, sandboxes, pools } = core.remote;
  await warm(core);
  const booting = holdNextBoot();
  await pools.update('default-pool', { policy: { warm: [{ image: 'host', count: 3 }] } });
  const bootingId = await booting;
  const before = await firstProcesses(root);
  // Idle ones, and the boot that is held, may go for reasons of their own: by deadlines.
  const wanted = { running: instanceOf(running), aside: instanceOf(aside), frozen: instanceOf(frozen) };
  const pooled = (await pools.get('default-pool')).instances.filter(({ state }) => state !== 'claimed');
  const mayGo = new Set([bootingId, ...pooled.map(({ id }) => id)]);
  const files = readdirSync(join(root, 'state/instances/runc')).filter((id) => !mayGo.has(id));

  const [orphan, held] = [await bootOrphan(), await bootOrphan()];
  const bundle = join(root, 'run/i', held);
  execFileSync('mount', ['--bind', bundle, bundle]);
  try {
    clock.hurry(31_000);
    await bench.idle();
    expect((await firstProcesses(root)).has(orphan)).toBe(true);
    clock.hurry(21_000);
    await until(async () => !(await firstProcesses(root)).has(orphan));
    await until(async () => (await system.health()).stuck.includes(held));
  } finally {
    execFileSync('umount', [bundle]);
  }
  expect((await system.health()).stuck).toEqual([held]);
  clock.hurry(31_000);
  await until(async () => (await system.health()).stuck.length === 0);
  expect(readdirSync(join(root, 'run/i'))).not.toContain(held);

  const after = await firstProcesses(root);
  for (const [name, id] of Object.entries(wanted)) {
    expect(before.has(id)).toBe(true);
    expect([name, after.get(id)]).toEqual([name, before.get(id)]);
  }
  expect(readdirSync(join(root, 'state/instances/runc'))).toEqual(expect.arrayContaining(files));
  expect(before.has(bootingId)).toBe(true);
  for (const pid of [frozenPid, after.get(bootingId)]) if (pid !== undefined) process.kill(pid, 'SIGCONT');
  expect((await bench.run(running, 'echo hi')).stdout.toString()).toBe('hi\n');
  await sandboxes.start(ended);
  await system.removeSetAside();
  await core.close();
});
