import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { wholeLog } from '../../../src/core/model/logs.ts';
import { execOf, Workbench } from '../../contract/workbench.ts';
import { type CoreProcess, startCoreProcess } from '../../helpers/core/core-process.ts';
import { leftRecords } from '../../helpers/core/left-records.ts';
import { makeRoot } from '../../helpers/core/real-core.ts';
import { numbersProblem, textOf } from '../../helpers/core/storm/promises.ts';
import { traces } from '../../helpers/core/traces.ts';
import { listen } from '../../helpers/image/registry/listening.ts';

let root: string;
beforeEach(async () => {
  root = await makeRoot();
});
afterEach(() => rm(root, { recursive: true }));

const outcomeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'answered',
    (error: unknown) => `${FsbError.from(error).code}: ${FsbError.from(error).message}`,
  );

it('a core that gets SIGTERM ends all that is under way, and leaves running what runs', async () => {
  // A registry that accepts, and says nothing.
  const server = createServer();
  const silent = await listen(server);
  const reached = once(server, 'connection');
  const reference = `${silent.address}/team/tool:1`;
  await writeFile(join(root, 'registries.yaml'), `registries: { "${silent.address}": { insecure: true } }`);
  const core = await startCoreProcess(root);
  const bench = new Workbench();
  bench.use(core.api);
  const box = await bench.shell('i=0; while :; do echo line $i; i=$((i + 1)); sleep 0.01; done');
  const sessions = await Promise.all(Array.from({ length: 20 }, () => bench.exec(box, ['sleep', '1000'])));
  const execs = sessions.map(({ exited }) => outcomeOf(exited));
  const pull = outcomeOf(
    (async () => {
      for await (const _ of core.api.images.pull({ reference }));
    })(),
  );
  const followers = Array.from({ length: 5 }, () =>
    outcomeOf(
      (async () => {
        for await (const _ of core.api.sandboxes.logs(box, { ...wholeLog, follow: true }));
      })(),
    ),
  );
  const waiter = outcomeOf(core.api.sandboxes.wait(box));
  await reached;

  expect(await core.stop()).toBe(0);
  const lost = 'run_failed: lost the process: the core is going away; how it ends is not known';
  expect(new Set(await Promise.all(execs))).toEqual(new Set([lost]));
  expect(await pull).toBe('unavailable: the core is going away');
  // They looked for the next core, which was not there.
  for (const outcome of await Promise.all([...followers, waiter])) expect(outcome).toContain('unavailable: ');
  await silent.stop();

  const next = await startCoreProcess(root);
  bench.use(next.api);
  expect((await next.api.sandboxes.get(box)).state.phase).toBe('Running');
  expect((await bench.run(box, 'echo hi')).stdout.toString()).toBe('hi\n');
  await next.api.sandboxes.stop(box, { grace: 0 });
  const text = await textOf(next.api, box);
  expect(numbersProblem(text.slice(0, text.lastIndexOf('\n') + 1))).toBeUndefined();
  await bench.cleanUp();
  expect(await next.stop()).toBe(0);
  expect(await traces(root)).toEqual([]);
  expect(await leftRecords(root)).toEqual([]);
});

/** All that the core starts programs with, and what holds its lock. */
function launchersOf({ pid }: CoreProcess): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  return children.filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('fsb-launch'));
}

it('a core that gets SIGTERM ends although something boots, and nothing can be destroyed', {
  timeout: 90_000,
}, async () => {
  const log = await open(join(root, 'core.log'), 'w');
  const core = await startCoreProcess(root, {
    pool: { warm: [], capacity: { max: 6, buffer_min: 0, buffer_max: 0 } },
    log: log.fd,
  });
  await log.close();
  const bench = new Workbench();
  bench.use(core.api);
  const [held, box] = [await bench.idle(), await bench.idle()];
  const { instances } = await core.api.system.usage();
  const instance = instances.find(({ sandboxId }) => sandboxId === held.id)!.id;
  const directory = join(root, 'run/i', instance);
  execFileSync('mount', ['--bind', directory, directory]);
  const counts = async () =>
    (await core.api.pools.status()).map(({ stopping, booting }) => ({ stopping, booting }));
  const ended = await bench.shell('true');
  await core.api.sandboxes.wait(ended);
  try {
    const deleted = outcomeOf(core.api.sandboxes.delete(held, { grace: 0 }));
    await expect.poll(counts).toEqual([{ stopping: 1, booting: 0 }]);
    // It is its pool's, which tries again, and doctor names it.
    await expect.poll(async () => (await core.api.system.health()).stuck).toEqual([instance]);
    const run = await core.api.pools.run({
      ...{ pool: 'default-pool', image: 'host', exec: execOf(['sleep', '1000']) },
    });
    const copy = await bench.exec(ended, ['tar-in', '--', '/'], { guestTool: true, stdin: true });
    const givenBack = [run, copy].map(({ exited }) => outcomeOf(exited));
    for (const launcher of launchersOf(core)) process.kill(launcher, 'SIGSTOP');
    const made = outcomeOf(bench.idle());
    await expect.poll(counts).toContainEqual({ stopping: 1, booting: 1 });
    expect(await core.stop()).toBe(0);
    await Promise.all(givenBack);
    // It did not wait for the teardown of these to fail.
    const lines = (await readFile(join(root, 'core.log'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string; instance?: string });
    const given = lines.findIndex(({ msg }) => msg.startsWith('the agent closed before'));
    const failed = lines.slice(0, given).filter(({ msg }) => msg === 'an instance could not be destroyed');
    expect([given > 0, ...new Set(failed.map((line) => line.instance))]).toEqual([true, instance]);
    // Its record and its name were gone at once.
    expect([await deleted, await made]).toEqual(['answered', expect.stringContaining('cannot tell whether')]);
  } finally {
    execFileSync('umount', [directory]);
  }

  const next = await startCoreProcess(root, { pool: { warm: [] } });
  bench.use(next.api);
  expect((await bench.run(box, 'echo hi')).stdout.toString()).toBe('hi\n');
  await bench.cleanUp();
  await expect.poll(() => next.api.system.usage().then((usage) => usage.instances)).toEqual([]);
  expect(await next.stop()).toBe(0);
  expect(await traces(root)).toEqual([]);
  expect(await leftRecords(root)).toEqual([]);
});
