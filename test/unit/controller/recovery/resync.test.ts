import { expect, it } from 'vitest';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { controllerWorld, exit, failure } from '../../../helpers/core/controller-world.ts';
import { settle } from '../../../helpers/manual-clock.ts';

/** A controller whose way to its node can be cut: what the node reports meanwhile is heard by nobody. */
async function cutWorld() {
  const world = controllerWorld();
  const { watch } = world.agent.api;
  let cut = new AbortController();
  let isAway = false;
  world.agent.api.watch = ({ signal } = {}) => {
    if (isAway) throw new FsbError('unavailable', 'no way there');
    return watch({ signal: AbortSignal.any([signal!, cut.signal]) });
  };
  await world.controller.recover();
  return {
    ...world,
    async cut() {
      isAway = true;
      cut.abort(new FsbError('unavailable', 'the connection broke'));
      await settle();
    },
    async mend() {
      isAway = false;
      cut = new AbortController();
      await world.clock.advance(5000);
    },
  };
}

it('goes on as it was while the node cannot be heard, and believes it when it is back', async () => {
  const { agent, controller, create, ref, cut, mend } = await cutWorld();
  const [ended, runs, vanished] = [await create('ended'), await create('runs'), await create('vanished')];
  await cut();
  await agent.report(ended.id, exit(3, 7));
  agent.held.delete(vanished.id);
  agent.files.delete(vanished.id);
  for (const name of ['ended', 'runs', 'vanished'])
    expect((await controller.get(ref(name))).state.phase).toBe('Running');
  await mend();
  expect((await controller.get(ref('ended'))).state).toMatchObject({ phase: 'Exited', status: { code: 3 } });
  expect((await controller.get(ref('runs'))).id).toBe(runs.id);
  expect((await controller.get(ref('runs'))).state.phase).toBe('Running');
  expect((await controller.get(ref('vanished'))).state).toMatchObject({ phase: 'Lost' });
});

it('hears what happens after that', async () => {
  const { agent, controller, create, ref, cut, mend } = await cutWorld();
  const { id } = await create('box');
  await cut();
  await mend();
  await agent.report(id, exit(1, 7));
  expect((await controller.get(ref('box'))).state.phase).toBe('Exited');
});

it('ends what a start has left whose answer never came', async () => {
  const { agent, create, cut, mend } = await cutWorld();
  agent.onStart = async ({ sandboxId }) => {
    agent.held.set(sandboxId, { state: 'running', startedAt: 0 });
    await cut();
    throw new FsbError('unavailable', 'the connection broke');
  };
  expect((await failure(create('box'))).code).toBe('unavailable');
  const { sandboxId } = agent.starts[0]!;
  expect(agent.held.has(sandboxId)).toBe(true);
  await mend();
  await settle();
  await settle();
  expect(agent.forgotten).toContain(sandboxId);
  expect(agent.held.has(sandboxId)).toBe(false);
});

it('does not take for lost what began after the node was asked', async () => {
  const { agent, controller, create, ref, cut, mend } = await cutWorld();
  await cut();
  const { sandboxes } = agent.api;
  agent.api.sandboxes = async () => {
    const before = await sandboxes();
    await create('late');
    return before;
  };
  await mend();
  expect((await controller.get(ref('late'))).state.phase).toBe('Running');
});

it('asks no more once it is closed', async () => {
  const { controller, clock, cut } = await cutWorld();
  await cut();
  expect(clock.pending).toBe(1);
  controller.close();
  expect(clock.pending).toBe(0);
});

it('does not start over a node that cannot be asked', async () => {
  const { agent, controller } = controllerWorld();
  agent.api.watch = () => {
    throw new FsbError('unavailable', 'no way there');
  };
  expect((await failure(controller.recover())).code).toBe('unavailable');
});
