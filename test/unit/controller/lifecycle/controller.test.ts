import { describe, expect, it } from 'vitest';
import type { AgentSandboxState } from '../../../../src/core/api/agent-api.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import { exit, failure, controllerWorld as world } from '../../../helpers/core/controller-world.ts';
import { memoryTable } from '../../../helpers/core/memory-table.ts';
import { started } from '../../../helpers/core/scripted-agent.ts';
import { settle } from '../../../helpers/manual-clock.ts';

describe('create', () => {
  it('runs, and shows the caller its own write at once', async () => {
    const { create, controller, ref } = world();
    const made = await create('box');
    expect(made.state.phase).toBe('Running');
    expect((await controller.get(ref('box'))).id).toBe(made.id);
    expect(made.events.map(({ message }) => message)).toEqual([
      'created',
      'served by a warm instance',
      'started',
    ]);
  });

  it('starts the very image that the caller means, and takes no other word for it', async () => {
    const { controller, agent } = world();
    const request = { namespace: 'default', name: '', spec: { image: 'tool' }, idempotencyKey: 'k' };
    const imageDigest = `sha256:${'a'.repeat(64)}`;
    const made = await controller.create({ ...request, imageDigest });
    expect(agent.starts).toMatchObject([{ imageDigest, spec: { image: 'tool' } }]);
    // A repetition pulled again, and the tag has moved: it is the same request.
    expect(await controller.create({ ...request, imageDigest: `sha256:${'b'.repeat(64)}` })).toBe(made);
    expect(
      await failure(controller.create({ ...request, idempotencyKey: '', imageDigest: 'tool' })),
    ).toMatchObject({
      code: 'invalid_argument',
      message: 'image digest "tool" is not sha256: and 64 hexadecimal digits',
    });
  });

  it('shows a sandbox that did not start and whose record cannot be removed, until it can', async () => {
    const { create, agent, controller, records, ref } = world();
    const fault = new FsbError('no_capacity', 'the disk is full');
    agent.onStart = () => Promise.reject(fault);
    const remove = records.remove;
    records.remove = () => Promise.reject(new Error('no room'));
    expect(await failure(create('box'))).toBe(fault);
    expect((await controller.get(ref('box'))).state).toMatchObject({
      phase: 'Failed',
      reason: fault.message,
    });
    records.remove = remove;
    await controller.delete(ref('box'));
    expect(await controller.list({})).toEqual([]);
    expect([...records.entries()]).toEqual([]);
  });

  it('keeps what it was really given, where the spec left that to the pool or the image', async () => {
    const { create, agent, records, controller } = world();
    const resources = { cpus: 2, memory: 64 * 1024 * 1024, pids: 10 };
    const given = { resources, labels: { from: 'image', own: '1' }, exposed_ports: [80] };
    agent.onStart = async () => ({ ...started(0), given });
    const made = await create('box', { resources: { cpus: 2 }, labels: { own: '1' } });
    expect(agent.starts[0]!.spec).toMatchObject({ resources: { cpus: 2 }, labels: { own: '1' } });
    expect(made.spec).toMatchObject(given);
    expect(records.get(made.id)!.spec).toMatchObject(given);
    expect(await controller.list({ labels: { from: 'image' } })).toEqual([made]);
    expect(await controller.list({ labels: { from: 'elsewhere' } })).toEqual([]);
  });

  it('refuses a duplicate name before anything starts', async () => {
    const { create, agent } = world();
    await create('box');
    expect((await failure(create('box'))).code).toBe('already_exists');
    expect(agent.starts).toHaveLength(1);
  });

  it('refuses a wrong spec with every reason, and reserves nothing', async () => {
    const { create, agent } = world();
    const error = await failure(create('box', { imag: 'x', exposed_ports: [0] } as never));
    expect(error.code).toBe('invalid_argument');
    expect(error.message).toContain('unknown key imag');
    expect(error.message).toContain('exposed_ports');
    expect(error.hint).toBe('Did you mean image?');
    expect(agent.starts).toEqual([]);
    await create('box');
  });

  it('leaves nothing behind when the image is missing, and a Failed record when the command is', async () => {
    const { create, agent, controller, ref } = world();
    agent.onStart = async () => Promise.reject(new FsbError('not_found', 'image x is not here'));
    expect((await failure(create('one'))).code).toBe('not_found');
    expect((await failure(controller.get(ref('one')))).code).toBe('not_found');
    agent.onStart = async () => Promise.reject(new FsbError('command_not_found', 'no such command'));
    expect((await failure(create('two'))).code).toBe('command_not_found');
    expect((await controller.get(ref('two'))).state).toMatchObject({
      phase: 'Failed',
      reason: 'no such command',
    });
  });

  it('gives the same sandbox for the same idempotency key, also while the first call is under way', async () => {
    const { create, agent } = world();
    const [one, two] = await Promise.all([create('box', {}, 'key'), create('box', {}, 'key')]);
    expect(two.id).toBe(one.id);
    expect(agent.starts).toHaveLength(1);
    expect((await failure(create('other', {}, 'key'))).code).toBe('conflict');
  });

  it('knows a sandbox by its id, too, and by the beginning of it, as lists show it', async () => {
    const { create, controller } = world();
    const { id } = await create('box');
    await create('other');
    for (const name of [id, id.slice(0, 12), id.slice(0, 4)])
      expect((await controller.get({ namespace: 'default', name })).name).toBe('box');
    for (const name of [
      id.slice(0, 3),
      `${id.slice(0, 12)}0`.replace(/.$/, (c) => (c === '0' ? 'x' : '0')),
      'feedfeed',
    ])
      expect((await failure(controller.get({ namespace: 'default', name }))).code).toBe('not_found');
    expect((await failure(controller.get({ namespace: 'elsewhere', name: id }))).code).toBe('not_found');
    // A name that looks like one goes first.
    const named = await create(id.slice(0, 12));
    expect((await controller.get({ namespace: 'default', name: id.slice(0, 12) })).id).toBe(named.id);
  });

  it('ends what it started when the record cannot be written', async () => {
    const records = memoryTable<Sandbox>();
    const { create, agent, controller } = world(records);
    records.put = async () => Promise.reject(new FsbError('no_capacity', 'the disk is full'));
    expect(await failure(create('box'))).toMatchObject({ code: 'no_capacity' });
    const { sandboxId } = agent.starts[0]!;
    expect(agent.stops).toEqual([{ sandboxId, grace: 0, keepFiles: false }]);
    expect(agent.forgotten).toEqual([sandboxId]);
    expect(await controller.list({})).toEqual([]);
  });

  it('tells every caller with the same idempotency key when it fails or is deleted', async () => {
    const { create, agent, controller, ref } = world();
    agent.onStart = async () => Promise.reject(new FsbError('no_capacity', 'full'));
    const both = ['box', 'box'].map((name) => failure(create(name, {}, 'key')));
    expect((await Promise.all(both)).map(({ code }) => code)).toEqual(['no_capacity', 'no_capacity']);
    agent.onStart = (_, signal) =>
      new Promise((_resolve, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
    const deleted = ['box', 'box'].map((name) => failure(create(name, {}, 'key')));
    await controller.delete(ref('box'));
    expect((await Promise.all(deleted)).map(({ code }) => code)).toEqual(['cancelled', 'cancelled']);
  });

  it('believes a report of the end that overtakes the report of the start', async () => {
    const { create, agent, controller, ref, clock } = world();
    agent.onStart = async ({ sandboxId }) => {
      await agent.report(sandboxId, exit(3, clock.now()));
      return started(clock.now());
    };
    await create('box');
    expect(await controller.wait(ref('box'))).toEqual({ code: 3, signal: null });
  });
});

describe('the end of the main process', () => {
  it('is Exited with the code, Failed when memory ran out, Lost when nobody saw it', async () => {
    const { create, agent, controller, ref, clock } = world();
    const [a, b, c] = [await create('a'), await create('b'), await create('c')];
    await agent.report(a.id, exit(7, clock.now()));
    await agent.report(b.id, { ...exit(0, clock.now()), status: { code: null, signal: 9, oomKilled: true } });
    await agent.report(c.id, { state: 'lost', reason: 'gone' });
    expect((await controller.get(ref('a'))).state).toMatchObject({ phase: 'Exited', status: { code: 7 } });
    const startedAt = 'startedAt' in a.state ? a.state.startedAt : undefined;
    expect((await controller.get(ref('b'))).state).toMatchObject({
      ...{ phase: 'Failed', startedAt, status: { signal: 9 } },
    });
    expect((await controller.get(ref('c'))).state).toMatchObject({
      ...{ phase: 'Lost', startedAt, reason: 'gone' },
    });
    expect((await failure(controller.wait(ref('c')))).message).toContain('gone');
    expect((await failure(controller.exec(ref('a'), {} as never))).code).toBe('conflict');
  });

  it('wakes everyone who waits, and an aborted wait leaves', async () => {
    const { create, agent, controller, ref, clock } = world();
    const { id } = await create('box');
    const stop = new AbortController();
    const aborted = failure(controller.wait(ref('box'), { signal: stop.signal }));
    const waits = [controller.wait(ref('box')), controller.wait(ref('box'))];
    stop.abort();
    expect((await aborted).code).toBe('cancelled');
    await agent.report(id, exit(0, clock.now()));
    expect(await Promise.all(waits)).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
  });
});

describe('delete', () => {
  it('frees the name at once, and a second caller waits for the same end', async () => {
    const { create, agent, controller, ref } = world();
    const first = await create('box');
    let finish = (): void => {};
    agent.onStop = () => new Promise((resolve) => (finish = resolve));
    const deletions = [controller.delete(ref('box')), controller.delete(ref('box'))];
    expect((await controller.get(ref('box'))).state.phase).toBe('Terminating');
    const second = await create('box');
    expect(second.id).not.toBe(first.id);
    expect((await controller.get(ref('box'))).id).toBe(second.id);
    finish();
    await Promise.all(deletions);
    expect(agent.stops).toHaveLength(1);
    expect(agent.forgotten).toEqual([first.id]);
    expect((await controller.list({})).map(({ id }) => id)).toEqual([second.id]);
  });

  it('of an unknown name says what was probably meant', async () => {
    const { create, controller, ref } = world();
    await create('sandbox');
    const error = await failure(controller.delete(ref('sandbx')));
    expect(error).toMatchObject({ code: 'not_found', hint: 'Did you mean sandbox?' });
    const elsewhere = await failure(controller.get({ namespace: 'team', name: 'sandbox' }));
    expect(elsewhere.hint).toBe('See what there is with: fsb-ctl list -a -n team');
  });

  it('aborts a start that is under way, whose caller hears of it', async () => {
    const { create, agent, controller, ref } = world();
    agent.onStart = (_, signal) =>
      new Promise((_resolve, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
    const creating = failure(create('box'));
    await controller.delete(ref('box'));
    expect(await creating).toMatchObject({ code: 'cancelled' });
    expect(await controller.list({})).toEqual([]);
  });

  it('that comes while the record of a start is written has the sandbox, and the caller of the start hears of it', async () => {
    const records = memoryTable<Sandbox>();
    const { create, agent, controller, ref } = world(records);
    const { put } = records;
    const write: (() => void)[] = [];
    records.put = (id, sandbox) =>
      new Promise((resolve) => write.push(() => void put(id, sandbox).then(resolve)));
    const creating = failure(create('box'));
    await new Promise(setImmediate);
    expect(agent.starts).toHaveLength(1);
    const deleting = controller.delete(ref('box'));
    for (const done of write) done();
    await deleting;
    expect(await creating).toMatchObject({ code: 'cancelled', message: expect.stringContaining('deleted') });
    expect([...records.entries()]).toEqual([]);
  });

  it('that nobody waits for is answered when it would survive a crash', async () => {
    const records = memoryTable<Sandbox>();
    const { create, agent, controller, ref } = world(records);
    await create('box');
    agent.onStop = () => new Promise(() => {});
    const { put } = records;
    let write = (): void => {};
    records.put = (id, sandbox) =>
      new Promise((resolve) => {
        write = () => void put(id, sandbox).then(resolve);
      });
    let answered = false;
    const deleting = controller.delete(ref('box'), { wait: false }).then(() => {
      answered = true;
    });
    await new Promise(setImmediate);
    expect(answered).toBe(false);
    write();
    await deleting;
    expect([...records.entries()].map(([, { state }]) => state.phase)).toEqual(['Terminating']);
  });

  it('that failed can be tried again, and its failure ends nothing else when its caller had left', async () => {
    const { create, agent, controller, ref } = world();
    await create('box');
    agent.onStop = async () => Promise.reject(new FsbError('run_failed', 'it cannot be destroyed'));
    const signal = AbortSignal.abort();
    expect((await failure(controller.delete(ref('box'), { signal }))).code).toBe('cancelled');
    await new Promise(setImmediate);
    expect((await failure(controller.delete(ref('box')))).code).toBe('run_failed');
    agent.onStop = async () => {};
    await controller.delete(ref('box'));
    expect(await controller.list({})).toEqual([]);
  });

  it('whose record cannot be removed can be tried again', async () => {
    const records = memoryTable<Sandbox>();
    const { create, controller, ref } = world(records);
    await create('box');
    const { remove } = records;
    records.remove = async () => Promise.reject(new FsbError('no_capacity', 'the disk is full'));
    expect((await failure(controller.delete(ref('box')))).code).toBe('no_capacity');
    records.remove = remove;
    await controller.delete(ref('box'));
    expect([...records.entries()]).toEqual([]);
  });

  it('with a shorter grace hurries a patient deletion on, with a longer one does not', async () => {
    const { create, agent, controller, ref } = world();
    await create('box');
    const finish: (() => void)[] = [];
    agent.onStop = () => new Promise((resolve) => finish.push(resolve));
    const deletions = [60_000, 1_000, 5_000].map((grace) => controller.delete(ref('box'), { grace }));
    expect(agent.stops.map(({ grace }) => grace)).toEqual([60_000, 1_000]);
    for (const done of finish) done();
    await Promise.all(deletions);
  });

  it('with grace 0 hurries a patient deletion on', async () => {
    const { create, agent, controller, ref } = world();
    await create('box');
    const finish: (() => void)[] = [];
    agent.onStop = () => new Promise((resolve) => finish.push(resolve));
    const patient = controller.delete(ref('box'), { grace: 60_000 });
    const hurried = controller.delete(ref('box'), { grace: 0 });
    expect(agent.stops.map(({ grace }) => grace)).toEqual([60_000, 0]);
    for (const done of finish) done();
    await Promise.all([patient, hurried]);
  });
});

describe('expiry', () => {
  it('ends a sandbox when its ttl is over and keeps the record, whatever the wall clock does', async () => {
    const { create, clock, controller, ref, agent } = world();
    await create('box', { ttl: '5s' });
    clock.jump(3_600_000);
    await clock.advance(4999);
    expect((await controller.get(ref('box'))).state.phase).toBe('Running');
    clock.jump(-7_200_000);
    await clock.advance(1);
    expect((await controller.get(ref('box'))).state.phase).toBe('Expired');
    expect(agent.stops).toHaveLength(1);
    await controller.delete(ref('box'));
    expect(clock.pending).toBe(0);
  });
});

const HOUR = 3_600_000;

describe.each([HOUR, -HOUR])('when the wall clock jumps by %d ms', (jump) => {
  const phaseIn = async ({ controller, ref }: ReturnType<typeof world>): Promise<string> =>
    (await controller.get(ref('box'))).state.phase;

  it('a ttl is as long, also when that is while it starts', async () => {
    const { clock, agent, controller, create, ref } = world();
    const { onStart } = agent;
    agent.onStart = async (...args) => {
      const started = await onStart(...args);
      clock.jump(jump);
      await clock.advance(1_000);
      return started;
    };
    await create('box', { ttl: '10s' });
    const phase = async () => (await controller.get(ref('box'))).state.phase;
    await clock.advance(jump > 0 ? 8_999 : 9_999);
    expect(await phase()).toBe('Running');
    await clock.advance(1);
    expect(await phase()).toBe('Expired');
  });

  it('a change of something else leaves a ttl as it is', async () => {
    const all = world();
    await all.create('box', { ttl: '60s' });
    await all.clock.advance(20_000);
    all.clock.jump(jump);
    await all.controller.update(all.ref('box'), { labels: { a: 'b' } });
    await all.clock.advance(39_999);
    expect(await phaseIn(all)).toBe('Running');
    await all.clock.advance(1);
    expect(await phaseIn(all)).toBe('Expired');
  });

  it('a new ttl counts from when it is given', async () => {
    const all = world();
    await all.create('box', { ttl: '10s' });
    all.clock.jump(jump);
    const { expiresAt } = await all.controller.update(all.ref('box'), { ttl: 60_000 });
    expect(expiresAt).toBe(all.clock.now() + 60_000);
    await all.clock.advance(59_999);
    expect(await phaseIn(all)).toBe('Running');
    await all.clock.advance(1);
    expect(await phaseIn(all)).toBe('Expired');
  });

  it('the next core knows what is left of a ttl', async () => {
    const before = world();
    await before.create('box', { ttl: '60s' });
    await before.clock.advance(20_000);
    before.controller.close();
    before.clock.jump(jump);
    const after = world(memoryTable([...before.records.entries()]), before.clock);
    after.agent.held = new Map(before.agent.held);
    await after.controller.recover();
    await after.clock.advance(39_999);
    expect(await phaseIn(after)).toBe('Running');
    await after.clock.advance(1);
    expect(await phaseIn(after)).toBe('Expired');
  });

  it('an expire time is still that of the wall clock', async () => {
    const all = world();
    const expire_time = Math.floor(all.clock.now() / 1000) + 7200;
    await all.create('box', { expire_time });
    all.clock.jump(jump);
    await all.clock.advance(expire_time * 1000 - all.clock.now() - 1);
    expect(await phaseIn(all)).toBe('Running');
    await all.clock.advance(1);
    expect(await phaseIn(all)).toBe('Expired');
  });

  it('whoever waits for the end hears of it when it comes', async () => {
    const all = world();
    await all.create('box', { ttl: '60s' });
    const waiting = all.controller.wait(all.ref('box'));
    all.clock.jump(jump);
    await all.clock.advance(60_000);
    expect(await waiting).toEqual({ code: null, signal: 15 });
  });
});

it('ends what has expired only when that is on record', async () => {
  const { agent, clock, create, records } = world();
  await create('box', { ttl: '5s' });
  const { put } = records;
  let write = (): void => {};
  records.put = async (...args) => {
    await new Promise<void>((resolve) => {
      write = resolve;
    });
    await put(...args);
  };
  await clock.advance(5000);
  expect(agent.stops).toEqual([]);
  write();
  await clock.advance(0);
  expect(agent.stops).toHaveLength(1);
});

describe('recovery', () => {
  it('brings every record in line with what the node has', async () => {
    const before = world();
    const names = ['running', 'ended', 'vanished', 'unsure', 'unstarted', 'leaving'];
    const made = new Map<string, Sandbox>();
    for (const name of names) made.set(name, await before.create(name));
    const leaving = made.get('leaving')!;
    await before.records.put(leaving.id, { ...leaving, state: { phase: 'Terminating', since: 0 } });
    const unsure = made.get('unsure')!;
    await before.records.put(unsure.id, { ...unsure, state: { phase: 'Pending' } });
    const unstarted = made.get('unstarted')!;
    await before.records.put(unstarted.id, { ...unstarted, state: { phase: 'Pending' } });

    const after = world(before.records);
    const running = { state: 'running', startedAt: 0 } as const;
    after.agent.held = new Map<string, AgentSandboxState>([
      [made.get('running')!.id, running],
      [made.get('ended')!.id, exit(4, 1)],
      [unsure.id, running],
      [leaving.id, running],
      ['never-answered', running],
    ]);
    after.agent.given.set(unsure.id, { ...started(0).given, labels: { from: 'image' } });
    await after.controller.recover();
    const phases = Object.fromEntries((await after.controller.list({})).map((s) => [s.name, s.state.phase]));
    expect(phases).toEqual({
      running: 'Running',
      ended: 'Exited',
      vanished: 'Lost',
      unsure: 'Running',
      unstarted: 'Failed',
    });
    // The answer to its start was never seen.
    expect((await after.controller.list({ labels: { from: 'image' } })).map(({ name }) => name)).toEqual([
      'unsure',
    ]);
    expect(after.agent.stops.map(({ sandboxId }) => sandboxId).sort()).toEqual(
      [unstarted.id, leaving.id, 'never-answered'].sort(),
    );
    expect(after.agent.forgotten.sort()).toEqual([leaving.id, 'never-answered'].sort());
  });
});

it('recovers the others when one sandbox cannot be brought in line', async () => {
  const before = world();
  const made = [await before.create('a'), await before.create('b')];
  for (const box of made)
    await before.records.put(box.id, { ...box, state: { phase: 'Terminating', since: 0 } });
  const { agent, controller } = world(before.records);
  let stops = 0;
  agent.onStop = async () => {
    stops += 1;
    if (stops === 1) throw new FsbError('run_failed', 'it cannot be destroyed');
  };
  await controller.recover();
  await settle();
  expect((await controller.list({})).map(({ name }) => name)).toHaveLength(1);
});

it('does not wait for deletions that an earlier core did not finish, and brings them to their end', async () => {
  const before = world();
  const made = [await before.create('a'), await before.create('b', { ttl: '1s' }), await before.create('c')];
  for (const box of [made[0]!, made[2]!])
    await before.records.put(box.id, { ...box, state: { phase: 'Terminating', since: 0 } });
  await before.records.put(made[1]!.id, { ...made[1]!, state: { phase: 'Expired', endedAt: 0 } });
  const { agent, controller, clock, records } = world(before.records);
  agent.onStop = async () => {
    await new Promise<void>((resolve) => clock.after(30_000, resolve));
    throw new FsbError('run_failed', 'it cannot be destroyed');
  };
  await controller.recover();
  expect(agent.stops.map(({ sandboxId }) => sandboxId).sort()).toEqual(made.map(({ id }) => id).sort());
  await clock.advance(30_000);
  agent.onStop = async () => {};
  await clock.advance(1_000);
  expect((await controller.list({})).map(({ name, state }) => [name, state.phase])).toEqual([
    ['b', 'Expired'],
  ]);
  expect([...records.entries()]).toHaveLength(1);
  expect(clock.pending).toBe(0);
});

it('believes an end that is reported while it recovers', async () => {
  const before = world();
  const leaving = await before.create('a');
  await before.records.put(leaving.id, { ...leaving, state: { phase: 'Terminating', since: 0 } });
  const made = [await before.create('b'), await before.create('c')];
  for (const box of made) await before.records.put(box.id, { ...box, state: { phase: 'Pending' } });
  const { agent, controller, ref } = world(before.records);
  for (const { id } of made) agent.held.set(id, { state: 'running', startedAt: 0 });
  agent.onStop = async () => {
    for (const { id } of made) await agent.report(id, exit(3, 1));
  };
  await controller.recover();
  await settle();
  for (const name of ['b', 'c']) expect((await controller.get(ref(name))).state.phase).toBe('Exited');
});

it('lists by namespace, label and phase, sorted by name', async () => {
  const { create, controller } = world();
  await create('b', { labels: { team: 'red' } });
  await create('a', { labels: { team: 'blue' } });
  await controller.create({ namespace: 'other', name: 'c', spec: { image: 'host' } });
  const names = async (query: Parameters<typeof controller.list>[0]) =>
    (await controller.list(query)).map(({ name }) => name);
  expect(await names({})).toEqual(['a', 'b', 'c']);
  expect(await names({ namespace: 'default' })).toEqual(['a', 'b']);
  expect(await names({ labels: { team: 'red' } })).toEqual(['b']);
  expect(await names({ phases: ['Exited'] })).toEqual([]);
});
