import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { wholeLog } from '../../../src/core/model/logs.ts';
import { corePaths } from '../../../src/core/model/paths.ts';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { errorOf, finish, Workbench } from '../../contract/workbench.ts';
import { webSocketHead } from '../../fuzz/raw-clients.ts';
import { type ProcessorShare, processorShare } from '../../helpers/core/processor-share.ts';
import { deafClient } from '../../helpers/core/raw-stream.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { delay, logged, until } from '../../helpers/core/waiting.ts';

const MIB = 1024 * 1024;

const bench = new Workbench();
let core: RealCore;
let neighbour: Sandbox;

beforeAll(async () => {
  core = await startRealCore();
  bench.use(core.remote);
  neighbour = await core.remote.sandboxes.create({
    namespace: 'default',
    name: 'neighbour',
    spec: { image: 'host', command: ['sleep', '1000'] },
  });
});
afterEach(async () => {
  await bench.cleanUp();
  await answers(neighbour);
});
afterAll(() => core.close());

/** It runs, and commands in it do. */
async function answers(box: Sandbox): Promise<void> {
  for (let turn = 0; turn < 5; turn++)
    expect(await bench.run(box, 'echo $((6 * 7))')).toMatchObject({
      stdout: Buffer.from('42\n'),
      status: { code: 0 },
    });
  expect((await bench.core.sandboxes.get(box)).state.phase).toBe('Running');
}

const pidsOf = async (box: Sandbox): Promise<number> =>
  (await bench.core.sandboxes.usage({ namespace: box.namespace })).find(({ id }) => id === box.id)?.pids ?? 0;

/** Deletes it, which must not take longer than a test may, and checks that it is gone. */
async function goes(box: Sandbox): Promise<void> {
  await bench.core.sandboxes.delete(box, { grace: 0 });
  expect(await errorOf(bench.core.sandboxes.get(box))).toMatchObject({ code: 'not_found' });
}

async function shareOf(box: Sandbox): Promise<ProcessorShare> {
  const { instances } = await bench.core.system.usage();
  return processorShare(core.root, instances.find(({ sandboxId }) => sandboxId === box.id)!.id);
}

/** Bytes in the log files of a sandbox. */
async function logSize(box: Sandbox): Promise<number> {
  const directory = join(core.root, 'state/logs', box.id);
  const files = await readdir(directory).catch(() => []);
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(directory, file))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe('one sandbox that runs away harms no other, and can be deleted:', () => {
  it('a fork bomb, which ends at its limit of processes', async () => {
    // A shell would end where it cannot fork.
    const bomb = await bench.shell("exec perl -e 'fork while 1'", { resources: { pids: 60 } });
    await until(async () => (await pidsOf(bomb)) >= 55);
    await answers(neighbour);
    expect(await pidsOf(bomb)).toBeLessThanOrEqual(60);
    await goes(bomb);
  });

  it('one without a process left, which says so to an exec', async () => {
    const script = 'i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i + 1)); done; wait';
    const full = await bench.shell(`(${script}); sleep 1000`, { resources: { pids: 20 } });
    await until(async () => (await pidsOf(full)) >= 19);
    expect(await errorOf(bench.exec(full, ['true']).then(finish))).toMatchObject({
      code: 'run_failed',
      message:
        'exec: "true": no resources for it in the sandbox: cannot fork: Resource temporarily unavailable',
    });
    await goes(full);
  });

  it('one that never rests, which gets its share of the processors and no more', async () => {
    const busy = await bench.shell('while :; do :; done & while :; do :; done', { resources: { cpus: 0.2 } });
    const before = await shareOf(neighbour);
    await until(async () => (await shareOf(busy)).throttled >= 10);
    await answers(neighbour);
    const { quota, weight, used, periods } = await shareOf(busy);
    expect([quota, weight]).toEqual([20_000, before.weight]);
    // What each processor may have taken beforehand counts for the next period.
    expect(used).toBeLessThan((periods + 2) * quota);
    expect((await shareOf(neighbour)).throttled).toBe(before.throttled);
    await goes(busy);
  });

  it('a memory hog, of which the one process is killed that took too much', async () => {
    const box = await bench.idle({ resources: { memory: '32m' } });
    const { status } = await bench.run(box, 'exec tail /dev/zero');
    expect(status).toEqual({ code: null, signal: 9, oomKilled: true });
    await answers(box);
    const hog = await bench.shell('exec tail /dev/zero', { resources: { memory: '32m' } });
    expect(await bench.core.sandboxes.wait(hog)).toEqual({ code: null, signal: 9, oomKilled: true });
    expect((await bench.core.sandboxes.get(hog)).state).toMatchObject({
      phase: 'Failed',
      reason: 'out of memory: the kernel killed it at its memory limit',
      status: { code: null, signal: 9, oomKilled: true },
    });
    await goes(hog);
  });

  it('a flood of ten million lines, of which the log keeps the last', async () => {
    const flood = await bench.shell('seq 10000000');
    const waiting = bench.core.sandboxes.wait(flood);
    await answers(neighbour);
    expect(await waiting).toMatchObject({ code: 0 });
    expect(await logSize(flood)).toBeLessThan(3 * 17 * MIB);
    let text = '';
    for await (const { data } of bench.core.sandboxes.logs(flood, { ...wholeLog, tail: 3 })) text += data;
    expect(text).toBe('9999998\n9999999\n10000000\n');
    await goes(flood);
  });

  it('one that closes its streams, and ends later', async () => {
    const box = await bench.shell('mkfifo /gate; echo begun; exec <&- >&- 2>&-; read _ < /gate; exit 5');
    await logged(bench, box, 'begun');
    await answers(box);
    await bench.run(box, 'echo > /gate');
    expect(await bench.core.sandboxes.wait(box)).toMatchObject({ code: 5 });
    await goes(box);
  });

  it('one that has stopped itself', async () => {
    const box = await bench.shell('echo begun; kill -STOP $$; echo never');
    await logged(bench, box, 'begun');
    await answers(box);
    await bench.core.sandboxes.stop(box, { grace: 200 });
    expect((await bench.core.sandboxes.get(box)).state).toMatchObject({
      phase: 'Exited',
      status: { code: null, signal: 9 },
    });
    await goes(box);
  });

  it('one whose reader never reads: it waits for the reader, and nobody else does', async () => {
    const box = await bench.shell('read _; seq 10000000', { stdin: true });
    const session = await bench.core.sandboxes.attach(box, { stdin: true, replay: true });
    session.endInput();
    let size = -1;
    await until(async () => {
      const before = size;
      size = await logSize(box);
      await delay(300);
      return size > 0 && size === before;
    });
    expect(size).toBeLessThan(16 * MIB);
    await answers(neighbour);
    await answers(box);
    await goes(box);
    await session.close();
  });

  it('one whose last output another process takes away, under a reader that never reads', async () => {
    // The thief opens the pipe for itself; it goes on when the command has ended.
    const thief =
      'setsid sh -c "while :; do head -c 4096 <&3 >/dev/null; sleep 0.01; done" </dev/null >/dev/null 2>&1 &';
    const box = await bench.shell(
      `exec 3</proc/self/fd/1; sleep 0.5; ${thief} head -c 2000000 /dev/zero; exit 5`,
    );
    const { httpSocket } = corePaths({ FSB_ROOT: core.root }, 0);
    const deaf = await deafClient(
      httpSocket,
      webSocketHead(`/api/v1/sandboxes/${box.namespace}/${box.name}/attach?stdout=1`),
    );
    expect(await bench.core.sandboxes.wait(box)).toMatchObject({ code: 5 });
    await goes(box);
    deaf.destroy();
  });

  it('an exec and a follower of logs that nobody reads', async () => {
    const box = await bench.shell('yes');
    const sessions = await Promise.all([1, 2, 3, 4].map(() => bench.exec(box, ['yes'])));
    const logs = bench.core.sandboxes.logs(box, { ...wholeLog, follow: true })[Symbol.asyncIterator]();
    await logs.next();
    await answers(box);
    await answers(neighbour);
    await goes(box);
    await logs.return?.(undefined);
    for (const session of sessions) await session.close();
  });
});
