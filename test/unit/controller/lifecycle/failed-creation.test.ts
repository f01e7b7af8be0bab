import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { Sandbox, SandboxRef } from '../../../../src/core/model/sandbox/sandbox.ts';
import { exit, failure, controllerWorld as world } from '../../../helpers/core/controller-world.ts';

const box = { namespace: 'default', name: 'box' };
type World = ReturnType<typeof world>;

/** A creation that fails, and leaves no record, once somebody says so. */
async function failing(): Promise<World & { creating: Promise<unknown>; fail: () => void }> {
  const made = world();
  let fail = (): void => {};
  made.agent.onStart = () =>
    new Promise((_, reject) => {
      fail = () => reject(new FsbError('image_not_found', 'there is no such image'));
    });
  const creating = failure(made.create('box'));
  await setImmediate();
  return { ...made, creating, fail: () => fail() };
}

const lost = {
  code: 'not_found',
  message: expect.stringMatching(/^sandbox box does not exist: .*there is no such image/),
};

const calls: [string, (controller: World['controller'], ref: SandboxRef) => Promise<unknown>][] = [
  ['wait', (controller, ref) => controller.wait(ref)],
  ['stop', (controller, ref) => controller.stop(ref)],
  ['start', (controller, ref) => controller.start(ref)],
  ['restart', (controller, ref) => controller.restart(ref)],
  ['reset', (controller, ref) => controller.reset(ref)],
  ['update', (controller, ref) => controller.update(ref, { labels: { a: '1' } })],
  ['rename', (controller, ref) => controller.rename(ref, 'crate')],
];

it.each(calls)('%s that waits for a creation that fails hears why, and leaves no trace', async (_, call) => {
  const { controller, records, creating, fail } = await failing();
  const waiting = failure(call(controller, box));
  await setImmediate();
  fail();
  await creating;
  expect(await waiting).toMatchObject(lost);
  expect([...records.entries()]).toEqual([]);
  for (const name of ['box', 'crate'])
    expect((await failure(controller.get({ ...box, name }))).code).toBe('not_found');
});

it('a wait that began while a start could not be recorded hears of the state that stayed', async () => {
  const { controller, create, agent, clock, records } = world();
  const { id } = await create('box');
  await agent.report(id, exit(3, clock.now()));
  let refuse = (): void => {};
  records.put = () =>
    new Promise<never>((_, reject) => {
      refuse = () => reject(new FsbError('no_capacity', 'the disk is full'));
    });
  const starting = failure(controller.start(box));
  await setImmediate();
  const waiting = controller.wait(box);
  refuse();
  expect((await starting).code).toBe('no_capacity');
  expect(await waiting).toEqual({ code: 3, signal: null });
});

it('an end that was told too early for a start that failed is no later generation’s', async () => {
  const { controller, create, agent, clock } = world();
  const { onStart } = agent;
  agent.onStart = async ({ sandboxId }) => {
    await agent.report(sandboxId, exit(3, clock.now()));
    throw new FsbError('command_not_found', 'no such command');
  };
  await failure(create('box'));
  agent.onStart = onStart;
  const next: Sandbox = await controller.start(box);
  expect(next.state.phase).toBe('Running');
});

it.each(['onStop', 'onForget'] as const)(
  'one that cannot be recorded, nor be taken back (%s), is Failed, says the first reason, and is taken back later',
  async (step) => {
    const { controller, create, agent, clock, records } = world();
    const { put } = records;
    records.put = () => Promise.reject(new FsbError('no_capacity', 'the disk is full'));
    agent[step] = () => Promise.reject(new Error('busy'));
    expect((await failure(create('box'))).message).toBe('the disk is full');
    const state = { phase: 'Failed', reason: 'the disk is full' };
    const [{ id, state: seen } = {}] = await controller.list({});
    expect(seen).toMatchObject(state);
    records.put = put;
    agent[step] = async () => {};
    await clock.advance(1_000);
    await setImmediate();
    expect(agent.forgotten).toEqual([id]);
    expect((await controller.get(box)).state).toMatchObject(state);
    await controller.delete(box, { grace: 0 });
    expect(await controller.list({})).toEqual([]);
    expect([...records.entries()]).toEqual([]);
    expect(clock.pending).toBe(0);
  },
);

describe('a start that fails, of a later generation', () => {
  const noRoom = new FsbError('no_capacity', 'no room');

  it('says its own reason when that cannot be written, and leaves nothing of the one before', async () => {
    const { controller, create, agent, records } = world();
    const { id } = await create('box');
    agent.onStart = () => {
      records.put = () => Promise.reject(new Error('the disk is full'));
      return Promise.reject(noRoom);
    };
    expect(await failure(controller.reset(box))).toBe(noRoom);
    expect((await controller.get(box)).state).toMatchObject({ phase: 'Failed', reason: 'no room' });
    expect(agent.forgotten).toEqual([id]);
  });

  it.each([
    ['before', true],
    ['after', false],
  ])(
    'says its own reason when the node does not say whether it had the files, and is Failed once it does: %s',
    async (when, kept) => {
      const { controller, create, agent, clock, records } = world();
      const { id } = await create('box');
      await controller.stop(box);
      const { sandboxes } = agent.api;
      const { onStart, beforeFiles } = agent;
      const fail = () => Promise.reject(noRoom);
      if (when === 'before') agent.beforeFiles = fail;
      else agent.onStart = fail;
      agent.api.sandboxes = () => Promise.reject(new FsbError('unavailable', 'out of reach'));
      expect(await failure(controller.start(box))).toBe(noRoom);
      expect(agent.forgotten).toEqual([]);
      for (const step of ['start', 'restart', 'reset'] as const)
        expect((await failure(controller[step](box))).message).toBe('out of reach');
      agent.api.sandboxes = sandboxes;
      await clock.advance(60_000);
      await setImmediate();
      expect((await controller.get(box)).state).toMatchObject({ phase: 'Failed', reason: 'no room' });
      expect([...records.entries()].map(([, { state }]) => state.phase)).toEqual(['Failed']);
      expect(agent.forgotten).toEqual(kept ? [] : [id]);
      Object.assign(agent, { onStart, beforeFiles });
      const { id: last } = await controller.start(box);
      expect(agent.files.get(last)).toBe(id);
      expect(clock.pending).toBe(0);
    },
  );

  it('can be tried again as soon as the node answers, and deleted before', async () => {
    const { controller, create, agent, clock } = world();
    const { id } = await create('box');
    await controller.stop(box);
    const { sandboxes } = agent.api;
    const { beforeFiles } = agent;
    agent.beforeFiles = () => Promise.reject(noRoom);
    agent.api.sandboxes = () => Promise.reject(new FsbError('unavailable', 'out of reach'));
    await failure(controller.start(box));
    Object.assign(agent, { beforeFiles });
    agent.api.sandboxes = sandboxes;
    const { id: last } = await controller.start(box);
    expect(agent.files.get(last)).toBe(id);
    await controller.stop(box);
    agent.beforeFiles = () => Promise.reject(noRoom);
    agent.api.sandboxes = () => Promise.reject(new FsbError('unavailable', 'out of reach'));
    await failure(controller.start(box));
    await controller.delete(box);
    agent.api.sandboxes = sandboxes;
    await clock.advance(120_000);
    expect(await controller.list({})).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('says that it was deleted when it was deleted meanwhile, and that fails', async () => {
    const { controller, create, agent } = world();
    await create('box');
    await controller.stop(box);
    agent.onStart = (_, signal) =>
      new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    const starting = failure(controller.start(box));
    await setImmediate();
    agent.onStop = () => Promise.reject(new Error('busy'));
    expect((await failure(controller.delete(box))).message).toBe('busy');
    expect((await starting).message).toBe('sandbox box was deleted while it was starting');
  });
});
