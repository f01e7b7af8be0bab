import { describe, expect, it } from 'vitest';
import { statusOf } from '../../../../src/core/controller/decide/phase-after.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import { exit, failure, controllerWorld as world } from '../../../helpers/core/controller-world.ts';
import { memoryTable } from '../../../helpers/core/memory-table.ts';

/** How the command ended is told, also where the sandbox was over before it. */

const TERMINATED = { code: null, signal: 15 };

describe('of one whose time was up', () => {
  const expiring = async (records = memoryTable<Sandbox>()) => {
    const all = world(records);
    const { id } = await all.create('box', { ttl: '5s' });
    let finish = (): void => {};
    const stopped = new Promise<void>((resolve) => {
      finish = resolve;
    });
    all.agent.onStop = () => stopped;
    return { ...all, id, box: all.ref('box'), finish };
  };

  it('is waited for, told and kept', async () => {
    const { controller, clock, box, finish, records, id, happened } = await expiring();
    const early = controller.wait(box);
    await clock.advance(5000);
    let told = false;
    const late = controller.wait(box).finally(() => {
      told = true;
    });
    await clock.advance(1000);
    expect(told).toBe(false);
    finish();
    expect([await early, await late, await controller.wait(box)]).toEqual([
      TERMINATED,
      TERMINATED,
      TERMINATED,
    ]);
    const endedAt = clock.now();
    const state = { phase: 'Expired', startedAt: endedAt - 6000, endedAt, status: TERMINATED };
    expect([(await controller.get(box)).state, records.get(id)!.state]).toEqual([state, state]);
    expect((await controller.get(box)).events.at(-1)!.message).toBe('ended by SIGTERM');
    expect(happened.filter(({ event }) => event.type === 'expired')).toHaveLength(1);
  });

  it.each([
    ['tells it', true],
    ['has not seen it', false],
  ])('is known to the next core when its node %s', async (_, seen) => {
    const before = await expiring();
    await before.clock.advance(5000);
    before.controller.close();
    const { controller, agent, ref } = world(memoryTable([...before.records.entries()]), before.clock);
    if (seen) agent.held.set(before.id, exit(9, 6000));
    await controller.recover();
    if (seen) expect(await controller.wait(ref('box'))).toEqual({ code: 9, signal: null });
    else
      expect(await failure(controller.wait(ref('box')))).toMatchObject({
        ...{ code: 'run_failed', message: expect.stringContaining('the node knows nothing of it') },
      });
  });
});

describe('is waited for', () => {
  const status = { code: 3, signal: null };
  const at = { startedAt: 0, endedAt: 0, since: 0 };
  const reason = 'nobody saw it';
  const none = /^sandbox box ended without an exit status: nobody saw it$/;
  it.each([
    [{ phase: 'Pending' }, undefined],
    [{ phase: 'Bound' }, undefined],
    [{ phase: 'Running', ...at }, undefined],
    [{ phase: 'Exited', ...at, status }, status],
    [{ phase: 'Failed', ...at, reason, status }, status],
    [{ phase: 'Failed', ...at, reason }, none],
    [{ phase: 'Lost', ...at, reason }, none],
    [{ phase: 'Expired', ...at, status }, status],
    [{ phase: 'Expired', ...at, reason }, none],
    [{ phase: 'Expired', ...at }, undefined],
    [{ phase: 'Terminating', ...at, status }, status],
    [{ phase: 'Terminating', ...at, reason }, none],
    [{ phase: 'Terminating', ...at }, undefined],
  ] as const)('as long as it may come: %j', (state, told) => {
    const ask = () => statusOf({ name: 'box', state } as Sandbox);
    if (told === none) expect(ask).toThrow(none);
    else expect(ask()).toEqual(told);
  });

  it('until the next core can end the one whose time was up', async () => {
    const before = world();
    const { id } = await before.create('box', { ttl: '5s' });
    before.agent.onStop = () => new Promise(() => {});
    await before.clock.advance(5_000);
    before.controller.close();
    const { controller, agent, clock, ref } = world(before.records, before.clock);
    agent.held.set(id, { state: 'running', startedAt: 0 });
    agent.onStop = () => Promise.reject(new Error('no descriptors'));
    await controller.recover();
    const told = controller.wait(ref('box'));
    agent.onStop = async () => {};
    await clock.advance(1_000);
    expect([await told, clock.pending]).toEqual([TERMINATED, 0]);
  });

  it('until a deletion that fails at first is done', async () => {
    const { agent, controller, create, ref, clock } = world();
    agent.onStart = (_, signal) =>
      new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
    const creating = failure(create('box'));
    agent.onForget = () => Promise.reject(new Error('no room'));
    await failure(controller.delete(ref('box')));
    const told = failure(controller.wait(ref('box')));
    agent.onForget = async () => {};
    await clock.advance(1_000);
    expect(await told).toMatchObject({ code: 'not_found', message: expect.stringContaining('deleted') });
    await creating;
  });
});

describe('of one that is deleted', () => {
  it('is told to whoever waits', async () => {
    const { controller, create, ref, records } = world();
    await create('box');
    const before = controller.wait(ref('box'));
    const gone = controller.delete(ref('box'));
    expect(await Promise.all([before, controller.wait(ref('box'))])).toEqual([TERMINATED, TERMINATED]);
    await gone;
    expect([...records.entries()]).toEqual([]);
  });

  it('is what it was, if it had ended before', async () => {
    const { agent, controller, create, ref } = world();
    const { id } = await create('box');
    await agent.report(id, exit(3, 1));
    agent.onStop = () => new Promise(() => {});
    void controller.delete(ref('box'));
    expect(await controller.wait(ref('box'))).toEqual({ code: 3, signal: null });
  });

  it('is not made up where there was none', async () => {
    const { agent, controller, create, ref } = world();
    agent.onStart = (_, signal) =>
      new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
    const creating = failure(create('box'));
    const waiting = failure(controller.wait(ref('box')));
    await controller.delete(ref('box'));
    expect(await waiting).toMatchObject({ code: 'not_found', message: expect.stringContaining('deleted') });
    expect(await creating).toMatchObject({ code: 'cancelled' });
  });
});

it.each([
  ['command_not_found', 127],
  ['not_executable', 126],
  ['run_failed', undefined],
] as const)('of one that did not start, %s, is what a shell says', async (code, status) => {
  const { agent, controller, create, ref } = world();
  agent.onStart = () => Promise.reject(new FsbError(code, 'it did not start'));
  expect(await failure(create('box'))).toMatchObject({ code });
  const end = await controller.wait(ref('box')).catch((error: FsbError) => error.code);
  expect(end).toEqual(status === undefined ? 'run_failed' : { code: status, signal: null });
});
