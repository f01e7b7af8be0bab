import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { errorOf, finish, Workbench } from '../../contract/workbench.ts';
import { firstProcesses } from '../../helpers/core/first-processes.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { numbersProblem } from '../../helpers/core/storm/promises.ts';
import { delay, instances, logged, until } from '../../helpers/core/waiting.ts';

describe('the clients of a sandbox', () => {
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
    const script = 'echo $$ > /tmp/pid; head -c 3000000 /dev/zero; touch /tmp/done; sleep 1000';
    const session = await bench.exec(box, ['sh', '-c', script]);
    await session.output[Symbol.asyncIterator]().next();
    await session.close();
    const check = 'until test -e /tmp/done; do sleep 0.02; done; kill -0 $(cat /tmp/pid) && echo alive';
    expect((await bench.run(box, check)).stdout.toString()).toBe('alive\n');
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
    await until(async () => (await waiting()) === 4);
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
    // What its caller has left goes after he has heard of it.
    const left = () => bench.core.sandboxes.list({ namespace: bench.namespace });
    await expect.poll(async () => (await left()).map(({ name }) => name)).toEqual(['a', 'b']);
    const ids = (await left()).map(({ id }) => id);
    const logs = (): Promise<string[]> => readdir(join(core.root, 'state/logs'));
    await expect.poll(async () => (await logs()).filter((id) => !ids.includes(id))).toEqual([]);
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
    try {
      await many(8);
      const before = await quietFootprint(core);
      await many(200);
      expect(await quietFootprint(core)).toEqual(before);
    } finally {
      await core.close();
    }
  }, 90_000);
});

/** No instance boots or leaves any more. */
const settled = (core: RealCore): Promise<void> =>
  until(async () => {
    const rows = await core.running.api.pools.status();
    const idle = rows.reduce((sum, row) => sum + row.idle, 0);
    const busy = rows.some((row) => row.booting + row.stopping + row.claimed + row.waiting > 0);
    return !busy && idle === (await instances(core)).length;
  });

/** The teardown of writable layers goes on for a moment after the answer, in a program of its own with its pipes. */
async function quietFootprint(core: RealCore): Promise<Record<string, number>> {
  let seen = await footprint(core);
  for (let same = 0; same < 5; ) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = await footprint(core);
    same = JSON.stringify(now) === JSON.stringify(seen) ? same + 1 : 0;
    seen = now;
  }
  return seen;
}

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
