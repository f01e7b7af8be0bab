import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../src/core/model/sandbox.ts';
import { errorOf, finish, readUntil, Workbench } from '../../contract/workbench.ts';
import { firstProcesses } from '../../helpers/first-processes.ts';
import { type RealCore, startRealCore } from '../../helpers/real-core.ts';
import { numbersProblem, seeded, textOf } from './crash-storm.ts';

const STUBBORN = 'trap "" TERM; echo armed; while :; do sleep 0.05; done';
const HOSTNAME = 'cat /proc/sys/kernel/hostname';
const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The instance directories of the core: what a sandbox has on the node while it has anything. */
const instances = (core: RealCore): Promise<string[]> => readdir(join(core.root, 'run/i'));

async function logged(bench: Workbench, box: Sandbox, text: string): Promise<void> {
  const follow = { follow: true, stdout: true, stderr: true };
  let seen = '';
  for await (const { data } of bench.core.sandboxes.logs(box, follow)) {
    seen += data;
    if (seen.includes(text)) return;
  }
  throw new Error(`the log ended without ${text}: ${seen}`);
}

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
    expect(await errorOf(sandboxes.wait(expired))).toMatchObject({ code: 'run_failed' });
    const failed = { ...bench.ref(), spec: { image: 'host', command: ['no-such-command'] } };
    expect(await errorOf(sandboxes.create(failed))).toMatchObject({ code: 'command_not_found' });
    const lost = await lose(core, bench);
    const phases: string[] = [];
    for (const ref of [exited, expired, failed, lost]) {
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
    const box = await bench.shell(`echo begin; sleep 1000`, { ttl: '200ms', grace_period: '0.1s' });
    expect(await errorOf(bench.core.sandboxes.wait(box))).toMatchObject({ code: 'run_failed' });
    expect((await bench.core.sandboxes.get(box)).state.phase).toBe('Expired');
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
    const box = await lose(core, bench);
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

describe('its clients', () => {
  const bench = new Workbench();
  let core: RealCore;
  beforeAll(async () => {
    core = await startRealCore();
    bench.use(core.remote);
  });
  afterEach(() => bench.cleanUp());
  afterAll(() => core.close());

  it('may leave an exec, which runs on and is not held back', async () => {
    const box = await bench.idle();
    const script = 'head -c 3000000 /dev/zero; touch /tmp/done; sleep 1000';
    const session = await bench.exec(box, ['sh', '-c', script]);
    await session.output[Symbol.asyncIterator]().next();
    await session.close();
    const check = 'until test -e /tmp/done; do sleep 0.02; done; pidof sleep | wc -w';
    // Its own, and the sandbox's.
    expect((await bench.run(box, check)).stdout.toString().trim()).toBe('2');
  });

  it('may attach and read slowly: the process is held back, and nothing is lost', async () => {
    const box = await bench.shell('read line; i=0; seq -f "line %.0f" 0 199999', { stdin: true });
    const session = await bench.core.sandboxes.attach(box, { stdin: true, replay: true });
    session.endInput();
    let text = '';
    let slow = 3;
    for await (const { data } of session.output) {
      text += data;
      if (slow-- > 0) {
        await delay(100);
        expect((await bench.core.sandboxes.get(box)).state.phase).toBe('Running');
      }
    }
    expect(numbersProblem(text)).toBeUndefined();
    expect(text.endsWith('line 199999\n')).toBe(true);
    expect(await session.exited).toMatchObject({ code: 0 });
  });

  it('may attach and read only after the end: every byte comes once', async () => {
    const box = await bench.shell('echo zero; read line; echo one; echo two >&2; exit 5', { stdin: true });
    const { sandboxes } = core.running.api;
    await logged(bench, box, 'zero');
    const session = await sandboxes.attach(box, { stdin: true, replay: true });
    session.endInput();
    await sandboxes.wait(box);
    const { stdout, stderr, status } = await finish(session);
    expect([stdout.toString(), stderr.toString(), status.code]).toEqual(['zero\none\n', 'two\n', 5]);
  });

  it('may flood the log of a sandbox: it stays within its cap', async () => {
    const box = await bench.shell('head -c 80000000 /dev/zero | tr "\\0" x | fold -w 99; echo; echo end');
    await bench.core.sandboxes.wait(box);
    const directory = join(core.root, 'state/logs', box.id);
    const sizes = await Promise.all(
      (await readdir(directory)).map(async (file) => (await stat(join(directory, file))).size),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(3 * 17 * 1024 * 1024);
    const last: Buffer[] = [];
    const tail = { follow: false, stdout: true, stderr: true, tail: 1 };
    for await (const { data } of bench.core.sandboxes.logs(box, tail)) last.push(data);
    expect(Buffer.concat(last).toString()).toBe('end\n');
  });
});

describe('a full pool', () => {
  const bench = new Workbench();
  let core: RealCore;
  beforeAll(async () => {
    core = await startRealCore({ pool: { warm: [{ image: 'host', count: 1 }], capacity: { max: 2 } } });
    bench.use(core.running.api);
  });
  afterEach(() => bench.cleanUp());
  afterAll(() => core.close());

  const create = (name: string, signal?: AbortSignal): Promise<Sandbox> => {
    const spec = { image: 'host', command: ['sleep', '1000'] };
    return bench.core.sandboxes.create({ namespace: bench.namespace, name, spec }, { signal });
  };
  const waiting = async (): Promise<number> =>
    (await core.running.api.pools.status()).reduce((sum, row) => sum + row.waiting, 0);

  it('serves those who wait in order, as others are deleted', async () => {
    const served: string[] = [];
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const creates = names.map((name) => create(name).then(() => served.push(name)));
    await Promise.all(creates.slice(0, 2));
    expect(await waiting()).toBe(4);
    for (const name of names.slice(0, 4)) {
      const before = served.length;
      await bench.core.sandboxes.delete({ namespace: bench.namespace, name }, { grace: 0 });
      await until(async () => served.length > before);
    }
    await Promise.all(creates);
    expect(served).toEqual(names);
  });

  it('forgets a create that is aborted, or deleted, while it waits', async () => {
    await Promise.all([create('a'), create('b')]);
    const abort = new AbortController();
    const aborted = errorOf(create('c', abort.signal));
    const deleted = errorOf(create('d'));
    await until(async () => (await waiting()) === 2);
    abort.abort();
    await bench.core.sandboxes.delete({ namespace: bench.namespace, name: 'd' });
    expect(await aborted).toMatchObject({ code: 'cancelled' });
    expect(await deleted).toMatchObject({ code: 'cancelled' });
    expect(await waiting()).toBe(0);
    const left = await bench.core.sandboxes.list({ namespace: bench.namespace });
    expect(left.map(({ name }) => name)).toEqual(['a', 'b']);
    const logs = await readdir(join(core.root, 'state/logs'));
    expect(logs.filter((id) => !left.some((box) => box.id === id))).toEqual([]);
  });
});

describe('two hundred sandboxes', () => {
  it('leave the core as it was: descriptors, instances, processes, logs', async () => {
    const core = await startRealCore();
    const bench = new Workbench();
    bench.use(core.running.api);
    const cycle = async (): Promise<void> => {
      const box = await bench.idle();
      expect((await bench.run(box, 'echo alive; exit 3')).status.code).toBe(3);
      await bench.core.sandboxes.delete(box, { grace: 0 });
    };
    const many = async (count: number): Promise<void> => {
      let left = count;
      const client = async (): Promise<void> => {
        while (left-- > 0) await cycle();
      };
      await Promise.all(Array.from({ length: 8 }, client));
      await settled(core);
    };
    await many(8);
    const before = await footprint(core);
    await many(200);
    expect(await footprint(core)).toEqual(before);
    await core.close();
  });
});

/** No instance boots or leaves any more. */
const settled = (core: RealCore): Promise<void> =>
  until(async () => {
    const rows = await core.running.api.pools.status();
    const idle = rows.reduce((sum, row) => sum + row.idle, 0);
    const busy = rows.some((row) => row.booting + row.stopping + row.claimed + row.waiting > 0);
    return !busy && idle === (await instances(core)).length;
  });

async function footprint(core: RealCore): Promise<Record<string, number>> {
  const count = async (directory: string): Promise<number> => (await readdir(directory)).length;
  const idle = (await instances(core)).length;
  return {
    // Each idle instance has one channel.
    descriptors: (await count('/proc/self/fd')) - idle,
    processes: (await firstProcesses(core.root)).size - idle,
    layers: (await count(join(core.root, 'state/instances/runc'))) - idle,
    logs: await count(join(core.root, 'state/logs')),
  };
}

/** A sandbox whose PID 1 was killed from outside. */
async function lose(core: RealCore, bench: Workbench): Promise<Sandbox> {
  const box = await bench.idle();
  const { stdout } = await bench.run(box, HOSTNAME);
  const pid = (await firstProcesses(core.root)).get(await instanceNamed(core, stdout.toString()))!;
  process.kill(pid, 'SIGKILL');
  await errorOf(bench.core.sandboxes.wait(box));
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

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(20);
}
