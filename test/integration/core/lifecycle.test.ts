import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { errorOf, readUntil, Workbench } from '../../contract/workbench.ts';
import { firstProcesses } from '../../helpers/core/first-processes.ts';
import { lose } from '../../helpers/core/lose.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { textOf } from '../../helpers/core/storm/promises.ts';
import { seeded } from '../../helpers/core/storm/seeded.ts';
import { delay, instances, logged, until } from '../../helpers/core/waiting.ts';

const STUBBORN = 'trap "" TERM; echo armed; while :; do sleep 0.05; done';
const HOSTNAME = 'cat /proc/sys/kernel/hostname';

describe('one sandbox', () => {
  const bench = new Workbench();
  let core: RealCore;
  beforeAll(async () => {
    core = await startRealCore();
    bench.use(core.running.api);
  });
  afterEach(() => bench.cleanUp());
  afterAll(() => core.close());

  it('can be deleted at every moment of its start, which then says so, and leaves nothing', async () => {
    const random = seeded(7);
    const outcomes = new Set<string>();
    for (let turn = 0; turn < 60; turn++) {
      const ref = bench.ref();
      // Every third one needs an instance of a shape that is never warm.
      const resources = turn % 3 === 0 ? { resources: { memory: `${100 + turn}m` } } : {};
      const spec = { image: 'host', command: ['sleep', '1000'], ...resources };
      const creating = bench.core.sandboxes.create({ ...ref, spec }).then(
        () => 'created',
        (error) => `${error.code}`,
      );
      const late = random(turn % 3 === 0 ? 40 : 6);
      if (late > 0) await delay(late - 1);
      await bench.core.sandboxes.delete(ref, { grace: 0 });
      outcomes.add(await creating);
      expect(await errorOf(bench.core.sandboxes.get(ref))).toMatchObject({ code: 'not_found' });
    }
    expect([...outcomes].filter((outcome) => outcome !== 'created' && outcome !== 'cancelled')).toEqual([]);
  });

  it('can be deleted from every phase in which it has ended', async () => {
    const { sandboxes } = bench.core;
    const exited = await bench.shell('exit 3');
    await sandboxes.wait(exited);
    const expired = await bench.idle({ ttl: '50ms' });
    expect(await sandboxes.wait(expired)).toMatchObject({ signal: 15 });
    const failed = { ...bench.ref(), spec: { image: 'host', command: ['no-such-command'] } };
    expect(await errorOf(sandboxes.create(failed))).toMatchObject({ code: 'command_not_found' });
    const vanished = await lost(core, bench);
    const phases: string[] = [];
    for (const ref of [exited, expired, failed, vanished]) {
      phases.push((await sandboxes.get(ref)).state.phase);
      await sandboxes.delete(ref);
      expect(await errorOf(sandboxes.get(ref))).toMatchObject({ code: 'not_found' });
    }
    expect(phases).toEqual(['Exited', 'Expired', 'Failed', 'Lost']);
  });

  it('is gone from the node when its delete is answered, also right after its own end', async () => {
    for (let turn = 0; turn < 10; turn++) {
      const box = await bench.shell(`${HOSTNAME}; read line; exit 0`, { stdin: true });
      const session = await bench.core.sandboxes.attach(box, { stdin: true, replay: true });
      const output = session.output[Symbol.asyncIterator]();
      const instance = await instanceNamed(core, await readUntil(output, '\n'));
      session.endInput();
      await bench.core.sandboxes.wait(box);
      await bench.core.sandboxes.delete(box);
      expect(await instances(core)).not.toContain(instance);
    }
  });

  it('that ignores SIGTERM is ended after its grace', async () => {
    const box = await bench.shell(STUBBORN);
    await logged(bench, box, 'armed');
    const deleting = bench.core.sandboxes.delete(box, { grace: 300 });
    expect((await bench.core.sandboxes.get(box)).state.phase).toBe('Terminating');
    expect(await errorOf(bench.exec(box, ['true']))).toMatchObject({ code: 'conflict' });
    await deleting;
    expect(await errorOf(bench.core.sandboxes.get(box))).toMatchObject({ code: 'not_found' });
  });

  it('gives its name away at once, again and again, while the old one ignores SIGTERM', async () => {
    const ref = bench.ref();
    const spec = { image: 'host', command: ['sh', '-c', STUBBORN] };
    const ids = new Set<string>();
    const deletions: Promise<void>[] = [];
    for (let turn = 0; turn < 20; turn++) {
      const box = await bench.core.sandboxes.create({ ...ref, spec });
      expect((await bench.core.sandboxes.get(ref)).id).toBe(box.id);
      ids.add(box.id);
      deletions.push(bench.core.sandboxes.delete(ref, { grace: 300 }));
    }
    const last = await bench.core.sandboxes.create({ ...ref, spec: { ...spec, command: ['sleep', '1000'] } });
    await Promise.all(deletions);
    expect(ids.size).toBe(20);
    expect((await bench.run(last, 'echo alive')).stdout.toString()).toBe('alive\n');
    const left = await bench.core.sandboxes.list({ namespace: bench.namespace });
    expect(left.map(({ id }) => id)).toEqual([last.id]);
  });

  it('expires when its time is up, and is ended', async () => {
    const box = await bench.shell(`echo begin; sleep 1000`, { grace_period: '0.1s' });
    await logged(bench, box, 'begin');
    await bench.core.sandboxes.update(box, { ttl: 1 });
    const status = { code: null, signal: 15 };
    expect(await bench.core.sandboxes.wait(box)).toMatchObject(status);
    expect((await bench.core.sandboxes.get(box)).state).toMatchObject({ phase: 'Expired', status });
    expect(await textOf(bench.core, box)).toBe('begin\n');
    await bench.core.sandboxes.delete(box);
  });

  it('that takes more memory than it has fails with that reason', async () => {
    const spec = { resources: { memory: '32m' } };
    const box = await bench.shell('exec tail /dev/zero', spec);
    const status = await bench.core.sandboxes.wait(box).catch((error) => error.message);
    const { state } = await bench.core.sandboxes.get(box);
    expect({ status, state }).toMatchObject({
      state: { phase: 'Failed', reason: expect.stringContaining('memory') },
    });
  });

  it('is Lost when its instance is killed from outside, and the pool replaces an idle one', async () => {
    const box = await lost(core, bench);
    expect((await bench.core.sandboxes.get(box)).state).toMatchObject({
      phase: 'Lost',
      reason: expect.stringContaining('lost'),
    });
    expect(await errorOf(bench.exec(box, ['true']))).toMatchObject({ code: 'conflict' });
    await idleAgain(core);
    const idle = [...(await firstProcesses(core.root)).entries()];
    for (const [, pid] of idle) process.kill(pid, 'SIGKILL');
    const next = await bench.shell('echo new');
    expect(await bench.core.sandboxes.wait(next)).toMatchObject({ code: 0 });
    await idleAgain(core);
    await until(async () => !(await instances(core)).some((id) => idle.some(([killed]) => killed === id)));
  });
});

async function lost(core: RealCore, bench: Workbench): Promise<Sandbox> {
  const box = await bench.idle();
  await lose(bench.core, core.root, box);
  return box;
}

/** A host name inside is the beginning of the instance's id. */
async function instanceNamed(core: RealCore, hostname: string): Promise<string> {
  const id = (await instances(core)).find((id) => id.startsWith(hostname.trim()));
  if (!id) throw new Error(`there is no instance ${hostname}`);
  return id;
}

const idleAgain = (core: RealCore): Promise<void> =>
  until(async () => (await core.running.api.pools.status()).some(({ idle }) => idle >= 2));
