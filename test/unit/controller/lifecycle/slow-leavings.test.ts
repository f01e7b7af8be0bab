import { beforeEach, expect, it } from 'vitest';
import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import { controllerWorld as world } from '../../../helpers/core/controller-world.ts';
import { memoryTable } from '../../../helpers/core/memory-table.ts';
import { settle } from '../../../helpers/manual-clock.ts';

const box = { namespace: 'default', name: 'box' };

/** A core was killed in the creation of one sandbox, and before the record of another one that its node has. */
async function killedCore() {
  const first = world();
  const made = await first.create('box');
  await first.records.put(made.id, { ...made, state: { phase: 'Pending' } });
  await first.controller.close();
  const next = world(memoryTable<Sandbox>([...first.records.entries()]));
  next.agent.held.set('stray', { state: 'running', startedAt: 0 });
  return next;
}

type Core = Awaited<ReturnType<typeof killedCore>>;

let core: Core;
beforeEach(async () => {
  core = await killedCore();
});

const phaseOf = async ({ controller }: Core): Promise<string> => (await controller.get(box)).state.phase;

it('ends both before it answers, where that is quick', async () => {
  await core.controller.recover();
  expect(await phaseOf(core)).toBe('Failed');
  expect(core.agent.forgotten).toEqual(['stray']);
  expect(core.clock.pending).toBe(0);
});

it('answers after a second, where that is slow, and ends them all the same', async () => {
  const { agent, clock, controller } = core;
  let gone = (): void => {};
  const slow = new Promise<void>((resolve) => {
    gone = resolve;
  });
  agent.onStop = () => slow;
  const recovered = controller.recover();
  await clock.advance(1_000);
  await recovered;
  expect(agent.stops).toHaveLength(2);
  expect(await phaseOf(core)).toBe('Pending');
  // Whoever wants to start it has to wait.
  const again = controller.start(box);
  await clock.advance(0);
  expect(agent.stops).toHaveLength(2);
  gone();
  expect((await again).state.phase).toBe('Running');
  await clock.advance(0);
  expect(agent.forgotten).toContain('stray');
});

it('tries again what fails', async () => {
  const { agent, clock, controller } = core;
  agent.onStop = () => Promise.reject(new Error('busy'));
  await controller.recover();
  expect(await phaseOf(core)).toBe('Failed');
  await clock.advance(1_000);
  expect(agent.stops).toHaveLength(4);
  agent.onStop = async () => {};
  await clock.advance(2_000);
  await clock.advance(0);
  expect(agent.stops).toHaveLength(6);
  expect(agent.forgotten).toEqual(['stray']);
  expect(clock.pending).toBe(0);
});

it('writes what it could not write at once', async () => {
  const { records, clock, controller } = core;
  const { put } = records;
  records.put = () => Promise.reject(new Error('no room'));
  await controller.recover();
  records.put = put;
  await clock.advance(1_000);
  expect([...records.entries()].map(([, { state }]) => state.phase)).toEqual(['Failed']);
});

it('leaves one to its deletion that came meanwhile', async () => {
  const { agent, clock, controller } = core;
  agent.onStop = () => Promise.reject(new Error('busy'));
  await controller.recover();
  agent.onStop = async () => {};
  await controller.delete(box);
  await clock.advance(60_000);
  expect(await controller.list({})).toEqual([]);
  expect(clock.pending).toBe(0);
});

it('waits for what is under way when it ends, for five seconds', async () => {
  const { agent, clock, controller } = core;
  agent.onStop = () => new Promise(() => {});
  const recovered = controller.recover();
  await clock.advance(1_000);
  await recovered;
  let isClosed = false;
  const closed = controller.close().then(() => {
    isClosed = true;
  });
  await clock.advance(4_999);
  expect(isClosed).toBe(false);
  await clock.advance(1);
  await closed;
  expect(clock.pending).toBe(0);
});

it('forgets the generation before, where the one that was broken off has its files', async () => {
  const first = world();
  const made = await first.create('box');
  const stopped = await first.controller.stop(box);
  const previous = { id: made.id, files: true };
  const begun = { ...stopped, id: 'next', generation: 2, previous, state: { phase: 'Pending' as const } };
  await first.records.put(made.id, begun);
  await first.controller.close();
  const { controller, agent } = world(first.records);
  agent.held.set(made.id, { state: 'lost', reason: 'it was stopped' });
  agent.files.set('next', made.id);
  await controller.recover();
  expect(await controller.get(box)).toMatchObject({ id: 'next', state: { phase: 'Failed' } });
  expect(agent.forgotten).toEqual([made.id]);
});

it.each([
  ['wanted no files', false, false],
  ['had got the files', true, true],
])('ends the generation before one whose start was broken off once: it %s', async (_, files, begun) => {
  const first = world();
  const { id, ...made } = await first.create('box');
  await first.controller.stop(box);
  const other = await first.create('other');
  const pending = { ...made, id: 'next', generation: 2, previous: { id, files } };
  await first.records.remove(id);
  // The first on record.
  await first.records.put('0', { ...pending, state: { phase: 'Pending' } });
  await first.controller.close();
  const { agent, controller } = world(memoryTable<Sandbox>([...first.records.entries()]));
  agent.held = new Map(first.agent.held);
  if (begun) agent.files.set('next', id);
  // Meanwhile the node takes its time for what runs.
  agent.api.rename = () => settle();
  await controller.recover();
  expect(await controller.list({})).toMatchObject([
    { id: 'next', state: { phase: 'Failed' } },
    { id: other.id, state: { phase: 'Running' } },
  ]);
  expect((await controller.get(box)).previous).toBeUndefined();
  expect(agent.stops.map(({ sandboxId }) => sandboxId).sort()).toEqual([id, 'next'].sort());
  expect(agent.forgotten).toEqual([id]);
});

it('tells the node the names of what runs side by side, some at a time, and one that fails keeps no other', async () => {
  const first = world();
  for (let count = 0; count < 40; count += 1) await first.create(`box${count}`);
  await first.controller.close();
  const { agent, controller } = world(memoryTable<Sandbox>([...first.records.entries()]));
  agent.held = new Map(first.agent.held);
  const { rename } = agent.api;
  let [inside, most] = [0, 0];
  agent.api.rename = async (id, name) => {
    inside += 1;
    most = Math.max(most, inside);
    await settle();
    inside -= 1;
    if (name === 'default/box7') throw new Error('out of reach');
    await rename(id, name);
  };
  await controller.recover();
  expect(most).toBe(16);
  const told = new Set(agent.names.values());
  expect([told.size, told.has('default/box7')]).toEqual([39, false]);
  expect((await controller.get({ ...box, name: 'box7' })).state.phase).toBe('Running');
});
