import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { SandboxSpecInput } from '../../../../src/core/model/sandbox/spec.ts';
import { failure, controllerWorld as world } from '../../../helpers/core/controller-world.ts';
import { started } from '../../../helpers/core/scripted-agent.ts';
import { gate } from '../../../helpers/gate.ts';

const request = (name: string, idempotencyKey?: string, spec: Partial<SandboxSpecInput> = {}) => ({
  ...{ namespace: 'default', name, spec: { image: 'host', ...spec }, idempotencyKey },
});

it('makes no sandbox whose expire time is over, and gives the one that it made before that', async () => {
  const { controller, clock } = world();
  const soon = request('box', 'key', { expire_time: Math.floor(clock.now() / 1000) + 10 });
  const { id } = await controller.create(soon);
  await clock.advance(10_000);
  expect((await controller.create(soon)).id).toBe(id);
  expect(await failure(controller.create({ ...soon, name: 'late', idempotencyKey: '' }))).toMatchObject({
    code: 'invalid_argument',
    message: expect.stringMatching(
      /^invalid sandbox spec: expire_time \(--expire-time\): \d.*Z is over already$/,
    ),
  });
});

it('takes a name with which several ids begin', async () => {
  const before = world();
  for (const name of ['one', 'two']) await before.controller.create(request(name));
  for (const [key, sandbox] of [...before.records.entries()])
    await before.records.put(key, { ...sandbox, id: `beef${sandbox.id.slice(4)}` });
  const { controller } = world(before.records);
  expect(await failure(controller.get({ namespace: 'default', name: 'beef' }))).toMatchObject({
    code: 'conflict',
  });
  expect((await controller.create(request('beef'))).name).toBe('beef');
});

it('lets the node wait for who attaches at once, where its caller says so', async () => {
  const { controller, agent } = world();
  for (const detached of [undefined, true, false])
    await controller.create({ ...request(`box-${detached}`), ...(detached !== undefined && { detached }) });
  expect(agent.starts.map(({ awaited }) => awaited)).toEqual([undefined, undefined, true]);
});

describe('the size of a terminal', () => {
  const [size, other] = [
    { rows: 27, cols: 93 },
    { rows: 50, cols: 120 },
  ];

  it('goes to the node with the start that it came with, and into no record', async () => {
    const { controller, agent, records, ref } = world();
    const { id } = await controller.create({ ...request('box', 'key', { tty: true }), size });
    expect((await controller.create({ ...request('box', 'key', { tty: true }), size: other })).id).toBe(id);
    await controller.stop(ref('box'));
    await controller.start(ref('box'), { size: other });
    await controller.restart(ref('box'));
    await controller.reset(ref('box'));
    expect(agent.starts.map((start) => start.size)).toEqual([size, other, undefined, undefined]);
    expect(JSON.stringify([...records.entries()])).not.toMatch(/rows|cols/);
  });

  it('is refused where no terminal has it, before anything starts', async () => {
    const { controller, agent, create, ref } = world();
    const wrong = { rows: 70_000, cols: 80 };
    const refused = { code: 'invalid_argument', message: 'a terminal cannot have 70000 rows' };
    expect(await failure(controller.create({ ...request('box'), size: wrong }))).toMatchObject(refused);
    await create('box');
    await controller.stop(ref('box'));
    expect(await failure(controller.start(ref('box'), { size: wrong }))).toMatchObject(refused);
    expect(agent.starts).toHaveLength(1);
    expect((await controller.get(ref('box'))).state.phase).toBe('Exited');
  });
});

describe('an idempotency key', () => {
  it('has a bound', async () => {
    const { controller } = world();
    expect(await failure(controller.create(request('box', 'k'.repeat(256))))).toMatchObject({
      code: 'invalid_argument',
      message: 'the idempotency key has 256 characters: 255 are the most',
    });
    expect(await controller.list({})).toEqual([]);
    await controller.create(request('box', 'k'.repeat(255)));
  });

  it('gives the sandbox that it made, also when that has changed since then', async () => {
    const { controller, ref } = world();
    const spec = { labels: { b: '2', a: '1' }, ttl: '60s' };
    const { id } = await controller.create(request('box', 'key', spec));
    const again = { labels: { a: '1', b: '2' }, ttl: '1m' };
    expect((await controller.create(request('box', 'key', again))).id).toBe(id);
    await controller.update(ref('box'), { labels: { c: '3' }, resources: { memory: 2 ** 30 } });
    await controller.rename(ref('box'), 'boat');
    expect((await controller.create(request('box', 'key', spec))).id).toBe(id);
    expect((await controller.create(request('', 'key', spec))).id).toBe(id);
  });

  it('is of one request: another spec or name is a conflict, and starts nothing', async () => {
    const { controller, agent } = world();
    await controller.create(request('box', 'key', { args: ['a'] }));
    const other = { code: 'conflict', hint: expect.stringContaining('new key') };
    for (const spec of [
      {},
      { args: ['b'] },
      { args: ['a'], labels: { a: '1' } },
      { image: 'tool', args: ['a'] },
    ])
      expect(await failure(controller.create(request('box', 'key', spec)))).toMatchObject(other);
    expect(await failure(controller.create(request('boat', 'key', { args: ['a'] })))).toMatchObject(other);
    expect(agent.starts).toHaveLength(1);
    expect(await controller.create({ ...request('box', 'key'), namespace: 'other' })).toMatchObject({
      namespace: 'other',
    });
  });

  it.each([true, false])(
    'is of one that goes with its run, or of one that stays: --rm first is %s',
    async (rm) => {
      const { controller, agent } = world();
      const create = (autoRemove?: boolean) => controller.create({ ...request('box', 'key'), autoRemove });
      const { id } = await create(rm);
      expect((await create(rm)).id).toBe(id);
      expect(await failure(create(rm ? undefined : true))).toMatchObject({
        code: 'conflict',
        message: `the idempotency key was used for sandbox box, ${rm ? 'with' : 'without'} --rm`,
      });
      expect(agent.starts).toHaveLength(1);
    },
  );

  it('goes with its sandbox', async () => {
    const { controller, ref } = world();
    const { id } = await controller.create(request('box', 'key'));
    await controller.delete(ref('box'));
    expect((await controller.create(request('box', 'key', { args: ['b'] }))).id).not.toBe(id);
  });
});

describe('a creation whose caller leaves', () => {
  const left = new FsbError('cancelled', 'the client cancelled the call');

  it('leaves nothing, and says so when nothing is left', async () => {
    const { controller, agent, records } = world();
    const undone = gate();
    agent.onStart = async (_, signal) => {
      await new Promise((resolve) => signal!.addEventListener('abort', resolve));
      await undone.promise;
      throw signal!.reason;
    };
    const leaving = new AbortController();
    const creating = failure(controller.create(request('box'), { signal: leaving.signal }));
    await setImmediate();
    leaving.abort(left);
    undone.open();
    expect(await creating).toBe(left);
    expect(await controller.list({})).toEqual([]);
    expect([...records.entries()]).toEqual([]);
  });

  it('leaves nothing of one that had just started, either', async () => {
    const { controller, agent, records } = world();
    const leaving = new AbortController();
    agent.onStart = async () => {
      leaving.abort(left);
      return started(1);
    };
    expect(await failure(controller.create(request('box'), { signal: leaving.signal }))).toBe(left);
    expect(await controller.list({})).toEqual([]);
    expect([...records.entries()]).toEqual([]);
    expect(agent.stops).toEqual([{ sandboxId: agent.starts[0]!.sandboxId, grace: 0, keepFiles: false }]);
  });

  it('leaves no record of what a start that was broken off says of itself', async () => {
    const { controller, agent } = world();
    const leaving = new AbortController();
    agent.onStart = async () => {
      leaving.abort(left);
      throw new FsbError('run_failed', 'the guest hung up');
    };
    expect(await failure(controller.create(request('box'), { signal: leaving.signal }))).toBe(left);
    expect(await controller.list({})).toEqual([]);
  });

  it('goes on for another one with the same key', async () => {
    const { controller, agent } = world();
    const { promise, open } = gate();
    agent.onStart = async () => {
      await promise;
      return started(1);
    };
    const leaving = new AbortController();
    const first = failure(controller.create(request('box', 'key'), { signal: leaving.signal }));
    const second = controller.create(request('box', 'key'));
    await setImmediate();
    leaving.abort(left);
    expect(await first).toBe(left);
    open();
    expect(await second).toMatchObject({ name: 'box', state: { phase: 'Running' } });
    expect(agent.starts).toHaveLength(1);
  });

  it('is begun anew for one who comes with the same key while it is being undone', async () => {
    const { controller, agent } = world();
    const { promise, open } = gate();
    agent.onStart = async (_, signal) => {
      if (agent.starts.length > 1) return started(1);
      await new Promise((resolve) => signal!.addEventListener('abort', resolve));
      await promise;
      throw signal!.reason;
    };
    const leaving = new AbortController();
    const first = failure(controller.create(request('box', 'key'), { signal: leaving.signal }));
    await setImmediate();
    leaving.abort(left);
    const second = controller.create(request('box', 'key'));
    await setImmediate();
    open();
    expect(await first).toBe(left);
    expect(await second).toMatchObject({ name: 'box', state: { phase: 'Running' } });
    expect(await controller.list({})).toHaveLength(1);
  });
});
