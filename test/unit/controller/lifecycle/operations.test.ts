import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { SandboxChange } from '../../../../src/core/api/sandbox-api.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import { exit, failure, controllerWorld as world } from '../../../helpers/core/controller-world.ts';
import { memoryTable } from '../../../helpers/core/memory-table.ts';

const term = { code: null, signal: 15 };
const box = { namespace: 'default', name: 'box' };

describe('stop', () => {
  it('ends it with the true status and keeps record, name and files', async () => {
    const { create, agent, controller } = world();
    const { id } = await create('box', { grace_period: 3 });
    const stopped = await controller.stop(box);
    expect(stopped).toMatchObject({ id, generation: 1, state: { phase: 'Exited', status: term } });
    expect(agent.stops).toEqual([{ sandboxId: id, grace: 3000, keepFiles: true }]);
    expect(agent.forgotten).toEqual([]);
    expect(await controller.stop(box)).toEqual(stopped);
  });

  it('takes the grace of the caller, and a less patient caller hurries a patient one on', async () => {
    const { create, agent, controller } = world();
    await create('box');
    const finish: (() => void)[] = [];
    agent.onStop = () => new Promise((resolve) => finish.push(resolve));
    const patient = controller.stop(box, { grace: 60_000 });
    await setImmediate();
    const hurried = [controller.stop(box, { grace: 0 }), controller.stop(box, { grace: 90_000 })];
    expect(agent.stops.map(({ grace }) => grace)).toEqual([60_000, 0]);
    agent.onStop = async () => {};
    for (const done of finish) done();
    expect((await patient).state.phase).toBe('Exited');
    await Promise.all(hurried);
  });

  it('waits for a start that is under way, and ends that', async () => {
    const { create, agent, controller } = world();
    let begin = (): void => {};
    const { onStart } = agent;
    agent.onStart = async (...args) => {
      await new Promise<void>((resolve) => {
        begin = resolve;
      });
      return onStart(...args);
    };
    const creating = create('box');
    const stopping = controller.stop(box);
    await setImmediate();
    expect(agent.stops).toEqual([]);
    begin();
    await creating;
    expect((await stopping).state.phase).toBe('Exited');
  });

  it('ends a timer of its expiry, which the next start sets anew', async () => {
    const { create, controller, clock } = world();
    await create('box', { ttl: '5s' });
    expect((await controller.stop(box)).expiresAt).toBe(0);
    expect(clock.pending).toBe(0);
    await clock.advance(10_000);
    const again = await controller.start(box);
    expect(again.expiresAt).toBe(clock.now() + 5000);
    await clock.advance(5000);
    expect((await controller.get(box)).state.phase).toBe('Expired');
    expect((await controller.start(box)).state.phase).toBe('Running');
  });
});

describe('the ids of earlier generations', () => {
  const byId = (id: string) => ({ namespace: 'default', name: id });

  it('find it, as the one it has now does, also in the next core', async () => {
    const { create, controller, records } = world();
    const ids = [(await create('box')).id];
    for (const again of ['restart', 'reset', 'restart'] as const) ids.push((await controller[again](box)).id);
    expect(new Set(ids).size).toBe(4);
    for (const core of [controller, world(records).controller])
      for (const id of ids) expect((await core.get(byId(id.slice(0, 12)))).id).toBe(ids[3]);
  });

  it('are forgotten but for the first one and the last ones', async () => {
    const { create, controller } = world();
    const ids = [(await create('box')).id];
    for (let again = 0; again < 40; again++) ids.push((await controller.restart(box)).id);
    const found = ids.map((id) =>
      controller.get(byId(id)).then(
        () => true,
        () => false,
      ),
    );
    expect(await Promise.all(found)).toEqual(ids.map((_, at) => at === 0 || at >= 8));
    // As those have them who only have the sandbox.
    expect((await controller.get(box)).earlierIds).toEqual([ids[0], ...ids.slice(8, 40)]);
  });
});

describe('the last events of a sandbox', () => {
  it('are in the order of their times, however long its end takes, and whatever clock the node has', async () => {
    const { create, agent, controller, clock } = world();
    const { id } = await create('box');
    agent.onStop = async () => {
      await clock.advance(3000);
      await agent.report(id, exit(3, clock.now()));
    };
    const { onStart } = agent;
    agent.onStart = async (...args) => ({ ...(await onStart(...args)), startedAt: clock.now() - 7 });
    const { events } = await controller.restart(box);
    const times = events.map(({ time }) => time);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(events.map(({ message }) => message)).toEqual([
      ...['created', 'served by a warm instance', 'started', 'exited with code 3'],
      ...['started again, with its files', 'served by a warm instance', 'started'],
    ]);
  });
});

describe('start', () => {
  it('is a new generation of the same sandbox, with its files; the old one is forgotten', async () => {
    const { create, agent, controller, records, clock } = world();
    const first = await create('box', { labels: { team: 'red' } }, 'key');
    await controller.stop(box);
    await clock.advance(1000);
    const second = await controller.start(box);
    expect(second).toMatchObject({
      ...{ name: 'box', generation: 2, createdAt: first.createdAt, state: { phase: 'Running' } },
      spec: { labels: { team: 'red' } },
    });
    expect(second.id).not.toBe(first.id);
    expect(second.previous).toBeUndefined();
    expect([...agent.files]).toEqual([[second.id, first.id]]);
    expect(agent.forgotten).toEqual([first.id]);
    expect([...records.entries()]).toHaveLength(1);
    expect((await create('box', { labels: { team: 'red' } }, 'key')).id).toBe(second.id);
    expect(await controller.start(box)).toEqual(second);
    await agent.report(second.id, exit(3, clock.now()));
    expect(await controller.wait(box)).toEqual({ code: 3, signal: null });
  });

  it('that fails leaves a Failed record whose files are not lost', async () => {
    const { create, agent, controller } = world();
    const first = await create('box');
    await controller.stop(box);
    const { onStart } = agent;
    agent.onStart = async () => Promise.reject(new FsbError('no_capacity', 'full'));
    expect(await failure(controller.start(box))).toMatchObject({ code: 'no_capacity' });
    expect(await controller.get(box)).toMatchObject({
      generation: 2,
      state: { phase: 'Failed', reason: 'full' },
    });
    agent.onStart = onStart;
    const third = await controller.start(box);
    expect(third.generation).toBe(3);
    expect([...agent.files]).toEqual([[third.id, first.id]]);
  });

  it('that fails before it has the files leaves them where they are, and finds them again', async () => {
    const { create, agent, controller } = world();
    const first = await create('box');
    await controller.stop(box);
    agent.beforeFiles = async () => Promise.reject(new FsbError('not_found', 'there is no such pool'));
    for (const generation of [2, 3]) {
      expect((await failure(controller.start(box))).code).toBe('not_found');
      expect(await controller.get(box)).toMatchObject({
        generation,
        previous: { id: first.id, files: true },
      });
    }
    agent.beforeFiles = async () => {};
    const next = await controller.start(box);
    expect([...agent.files]).toEqual([[next.id, first.id]]);
    expect([...agent.held.keys()]).toEqual([next.id]);
  });

  it('starts one that failed to be created', async () => {
    const { create, agent, controller } = world();
    const { onStart } = agent;
    agent.onStart = async () => Promise.reject(new FsbError('command_not_found', 'no such command'));
    await failure(create('box'));
    agent.onStart = onStart;
    expect((await controller.start(box)).state.phase).toBe('Running');
  });

  it('changes nothing when it cannot be recorded', async () => {
    const { create, agent, controller, records } = world();
    await create('box');
    const stopped = await controller.stop(box);
    const { put } = records;
    records.put = async () => Promise.reject(new FsbError('no_capacity', 'the disk is full'));
    expect((await failure(controller.start(box))).code).toBe('no_capacity');
    expect(await controller.get(box)).toEqual({ ...stopped, logBytes: 0 });
    expect(agent.starts).toHaveLength(1);
    records.put = put;
    expect((await controller.start(box)).generation).toBe(2);
  });

  it('needs time: an expire time that is over must be changed first', async () => {
    const { create, controller, clock } = world();
    await create('box', { expire_time: Math.ceil(clock.now() / 1000) + 10 });
    await clock.advance(11_000);
    expect((await controller.get(box)).state.phase).toBe('Expired');
    expect(await failure(controller.start(box))).toMatchObject({
      code: 'conflict',
      hint: expect.stringContaining('fsb-ctl update box'),
    });
    await controller.update(box, { expireTime: 0 });
    expect(await controller.start(box)).toMatchObject({ state: { phase: 'Running' }, expiresAt: 0 });
  });
});

describe('restart and reset', () => {
  it('restart keeps the files, reset does not; both keep the name', async () => {
    const { create, agent, controller } = world();
    const first = await create('box');
    const second = await controller.restart(box, { grace: 5 });
    expect(agent.stops[0]).toEqual({ sandboxId: first.id, grace: 5, keepFiles: true });
    expect([...agent.files]).toEqual([[second.id, first.id]]);
    const third = await controller.reset(box);
    expect(third).toMatchObject({ generation: 3, name: 'box', state: { phase: 'Running' } });
    expect([...agent.files]).toEqual([[third.id, third.id]]);
    expect([...agent.held.keys()]).toEqual([third.id]);
  });

  it('twice at once gives one generation after the other, and get never fails meanwhile', async () => {
    const { create, agent, controller } = world();
    await create('box');
    agent.onStop = async () => {
      for (let turn = 0; turn < 5; turn++) await setImmediate();
    };
    let settled = false;
    const resets = Promise.all([controller.reset(box), controller.reset(box)]).finally(() => {
      settled = true;
    });
    const phases = new Set<string>();
    while (!settled) {
      phases.add((await controller.get(box)).state.phase);
      await setImmediate();
    }
    expect((await resets).map(({ generation }) => generation)).toEqual([2, 3]);
    expect([...phases]).toContain('Running');
    expect(agent.held.size).toBe(1);
  });

  it('are waited for by whatever comes after', async () => {
    const { create, controller } = world();
    await create('box');
    const all = [controller.restart(box), controller.pause(box), controller.stop(box), controller.start(box)];
    const seen = (await Promise.all(all)).map(({ generation, state }) => [generation, state.phase]);
    expect(seen).toEqual([
      [2, 'Running'],
      [2, 'Running'],
      [2, 'Exited'],
      [3, 'Running'],
    ]);
  });

  it('reset once for a revision, and again for another one, whatever the clocks say', async () => {
    const { create, controller, records } = world();
    await create('box');
    const reset = async (revision: string) => (await controller.reset(box, { revision })).generation;
    const revision = '2001-01-01T00:00:00Z';
    expect(await Promise.all([1, 2, 3].map(() => reset(revision)))).toEqual([2, 2, 2]);
    await controller.restart(box);
    expect(await reset(revision)).toBe(3);
    expect(await reset('2000-01-01T00:00:00Z')).toBe(4);
    expect(await reset(revision)).toBe(5);
    const { controller: next } = world(memoryTable<Sandbox>([...records.entries()]));
    expect((await next.reset(box, { revision })).generation).toBe(5);
    await expect(reset('r'.repeat(256))).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('lose against a deletion, at every moment', async () => {
    for (const phase of ['ending', 'starting', 'queued']) {
      const { create, agent, controller, records } = world();
      await create('box');
      const finish: (() => void)[] = [];
      if (phase !== 'starting') agent.onStop = () => new Promise((resolve) => finish.push(resolve));
      else
        agent.onStart = (_, signal) =>
          new Promise((_resolve, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
      const operations = [failure(controller.reset(box))];
      if (phase === 'queued') operations.push(failure(controller.restart(box)));
      await setImmediate();
      const deleting = controller.delete(box);
      expect((await failure(controller.start(box))).code).toBe('conflict');
      agent.onStop = async () => {};
      for (const done of finish) done();
      await deleting;
      for (const error of await Promise.all(operations))
        expect(['conflict', 'cancelled']).toContain(error.code);
      expect([...records.entries()]).toEqual([]);
      expect([agent.held.size, agent.files.size]).toEqual([0, 0]);
    }
  });

  it('go on when their caller leaves', async () => {
    const { create, agent, controller } = world();
    await create('box');
    let finish = (): void => {};
    agent.onStop = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    const abort = new AbortController();
    const left = failure(controller.restart(box, { signal: abort.signal }));
    await setImmediate();
    abort.abort();
    expect((await left).code).toBe('cancelled');
    finish();
    expect(await controller.start(box)).toMatchObject({ generation: 2, state: { phase: 'Running' } });
  });
});

describe('pause', () => {
  it('is a state of running ones that calls on its processes respect', async () => {
    const { create, agent, controller } = world();
    const made = await create('box');
    const { id } = made;
    const { startedAt } = made.state as { startedAt: number };
    expect((await failure(controller.unpause(box))).message).toContain('is not paused');
    expect((await controller.pause(box)).state).toMatchObject({ phase: 'Running', paused: true });
    expect(agent.held.get(id)).toMatchObject({ paused: true });
    expect((await failure(controller.pause(box))).message).toContain('paused already');
    const calls = [
      controller.exec(box, {} as never),
      controller.attach(box, { stdin: true, replay: true }),
      controller.attach(box, { stdin: false, replay: false }),
    ];
    for (const error of await Promise.all(calls.map(failure)))
      expect(error).toMatchObject({
        code: 'conflict',
        message: 'sandbox box is paused',
        hint: expect.stringContaining('fsb-ctl unpause box'),
      });
    expect((await controller.unpause(box)).state).toEqual({ phase: 'Running', startedAt });
    await controller.pause(box);
    expect((await controller.stop(box)).state.phase).toBe('Exited');
    expect((await failure(controller.pause(box))).code).toBe('conflict');
  });
});

it('signals at once, whatever has the turn', async () => {
  const { create, agent, controller } = world();
  const { id } = await create('box');
  agent.onStop = () => new Promise(() => {});
  void controller.stop(box);
  await setImmediate();
  await controller.signal(box, 9);
  expect(agent.signals).toEqual([{ sandboxId: id, signal: 9 }]);
  expect((await failure(controller.signal(box, 65))).code).toBe('invalid_argument');
  await agent.report(id, exit(0, 0));
  expect((await failure(controller.signal(box, 9))).code).toBe('conflict');
});

describe('rename', () => {
  it('frees the old name at once, keeps everything else, and survives', async () => {
    const { create, controller, records, ref } = world();
    const first = await create('box', {}, 'key');
    const renamed = await controller.rename(box, 'crate');
    expect(renamed).toMatchObject({ id: first.id, name: 'crate', generation: 1 });
    expect((await failure(controller.get(box))).code).toBe('not_found');
    const other = await create('box');
    expect((await create('box', {}, 'key')).id).toBe(first.id);
    const after = world(records);
    expect((await after.controller.get(ref('crate'))).id).toBe(first.id);
    expect((await after.controller.get(box)).id).toBe(other.id);
  });

  it('refuses a name that is in use, its own, and what is no name', async () => {
    const { create, controller, ref } = world();
    await create('box');
    await create('other');
    expect(await failure(controller.rename(box, 'other'))).toMatchObject({ code: 'already_exists' });
    expect(await failure(controller.rename(box, 'box'))).toMatchObject({ code: 'invalid_argument' });
    expect(await failure(controller.rename(box, 'No Name'))).toMatchObject({ code: 'invalid_argument' });
    expect((await controller.list({})).map(({ name }) => name)).toEqual(['box', 'other']);
    await controller.delete(ref('other'));
    expect((await controller.rename(box, 'other')).name).toBe('other');
  });

  it('that cannot be recorded keeps the old name', async () => {
    const { create, controller, records } = world();
    await create('box');
    records.put = async () => Promise.reject(new FsbError('no_capacity', 'the disk is full'));
    expect((await failure(controller.rename(box, 'crate'))).code).toBe('no_capacity');
    expect((await controller.get(box)).name).toBe('box');
    expect((await failure(controller.get({ ...box, name: 'crate' }))).code).toBe('not_found');
  });
});

describe('update', () => {
  it('changes expiry, labels, policy and limits of a running one', async () => {
    const { create, agent, controller, clock } = world();
    const { id } = await create('box', { ttl: '5s', labels: { a: '1', b: '2' } });
    await clock.advance(4000);
    const changed = await controller.update(box, {
      ttl: 60_000,
      labels: { a: null, c: '3' },
      recoveryTimeoutSeconds: 5,
      failurePolicy: 'manual',
      resources: { memory: 64 * 1024 * 1024 },
    });
    expect(changed).toMatchObject({ id, expiresAt: clock.now() + 60_000 });
    // As a spec has them; of what is left out, nothing.
    const { events } = await controller.update(box, { expireTime: undefined, failurePolicy: 'Manual' });
    expect(events.slice(-2).map(({ message }) => message)).toEqual([
      'updated: ttl, failure_policy, recovery_timeout_seconds, labels, resources',
      'updated: failure_policy',
    ]);
    expect(changed.spec).toMatchObject({
      ttl: 60_000,
      labels: { b: '2', c: '3' },
      recovery_timeout_seconds: 5,
    });
    expect(agent.limits.get(id)).toEqual({ cpus: 1, memory: 64 * 1024 * 1024, pids: 256 });
    await clock.advance(59_999);
    expect((await controller.get(box)).state.phase).toBe('Running');
    await controller.update(box, { ttl: 0 });
    await clock.advance(100_000);
    expect((await controller.get(box)).state.phase).toBe('Running');
    await controller.update(box, { expireTime: Math.ceil(clock.now() / 1000) + 1 });
    await clock.advance(3000);
    expect((await controller.get(box)).state.phase).toBe('Expired');
  });

  it('of an ended one counts from its next start', async () => {
    const { create, agent, controller, clock } = world();
    await create('box');
    await controller.stop(box);
    expect((await failure(controller.update(box, { resources: { cpus: 1000 } }))).code).toBe(
      'invalid_argument',
    );
    agent.pool = { name: 'default-pool', policy: { memoryBudget: 1024 ** 3 } };
    expect(await failure(controller.update(box, { resources: { memory: 2 * 1024 ** 3 } }))).toMatchObject({
      code: 'no_capacity',
      message: 'pool default-pool has 1GiB of memory in all, but 2GiB are asked for',
    });
    agent.pool = undefined;
    const changed = await controller.update(box, { ttl: 7000, resources: { pids: 9, memory: 1024 ** 3 } });
    expect(changed).toMatchObject({ expiresAt: 0, state: { phase: 'Exited' } });
    expect(agent.limits.size).toBe(0);
    await clock.advance(20_000);
    expect((await controller.start(box)).expiresAt).toBe(clock.now() + 7000);
    expect(agent.starts[1]!.spec.resources.pids).toBe(9);
  });

  it('does all of it or nothing', async () => {
    const { create, agent, controller, records, clock } = world();
    const made = await create('box');
    const wrong: SandboxChange[] = [
      { expireTime: Math.floor(clock.now() / 1000) },
      { expireTime: 12, labels: { good: '1' } },
      { labels: { good: '1', ' bad': '2' } },
      { ttl: -1 },
      { ttl: 5, expireTime: 5 },
      { resources: { memory: 5 }, labels: { good: '1' } },
      { resources: { cpus: 1000 }, labels: { good: '1' } },
      { resources: { cpus: 0.001 } },
      { resources: { pids: 32_769 } },
      { failurePolicy: 'sometimes' },
    ];
    for (const change of wrong)
      expect((await failure(controller.update(box, change))).code).toBe('invalid_argument');
    agent.onUpdate = async () => Promise.reject(new FsbError('run_failed', 'it uses more'));
    const both = { labels: { good: '1' }, resources: { memory: 6 * 1024 * 1024 } };
    expect((await failure(controller.update(box, both))).code).toBe('run_failed');
    agent.onUpdate = async () => {};
    records.put = async () => Promise.reject(new FsbError('no_capacity', 'the disk is full'));
    expect((await failure(controller.update(box, both))).code).toBe('no_capacity');
    expect(agent.limits.get(made.id)).toEqual(made.spec.resources);
    expect(await controller.get(box)).toEqual({ ...made, logBytes: 0 });
  });
});

it('tells what those use that run, by name', async () => {
  const { create, controller, clock } = world();
  const [b, a] = [await create('b'), await create('a')];
  await create('c');
  await controller.stop({ ...box, name: 'c' });
  const limits = { cpus: 1, memory: 512 * 1024 * 1024, pids: 256 };
  const use = { namespace: 'default', time: clock.now(), memory: 1024, cpuMicros: 7, pids: 2, limits };
  expect(await controller.usage({})).toEqual([
    { id: a.id, name: 'a', ...use },
    { id: b.id, name: 'b', ...use },
  ]);
  const some = await controller.usage({ namespace: 'default', names: ['c', 'b', 'b'] });
  expect(some.map(({ name }) => name)).toEqual(['b']);
  expect((await failure(controller.usage({ namespace: 'default', names: ['x'] }))).code).toBe('not_found');
});

it('keeps the records of a generation under the key of the first', async () => {
  const records = memoryTable<Sandbox>();
  const { create, controller } = world(records);
  const { id } = await create('box');
  const next = await controller.reset(box);
  expect([...records.entries()].map(([key, sandbox]) => [key, sandbox.id])).toEqual([[id, next.id]]);
  await controller.delete(box);
  expect([...records.entries()]).toEqual([]);
});
