import { describe, expect, it } from 'vitest';
import { failure, controllerWorld as world } from '../../../helpers/core/controller-world.ts';

describe('a deletion that fails', () => {
  it('is tried again until it succeeds, less and less often', async () => {
    const { create, controller, agent, clock, records, ref } = world();
    const { id } = await create('box');
    agent.onForget = () => Promise.reject(new Error('read-only'));
    expect((await failure(controller.delete(ref('box')))).message).toContain('read-only');
    expect((await controller.get(ref('box'))).state.phase).toBe('Terminating');
    const triesAfter = async (ms: number): Promise<number> => {
      const before = agent.stops.length;
      await clock.advance(ms);
      return agent.stops.length - before;
    };
    expect(await triesAfter(7_000)).toBe(3);
    expect(await triesAfter(56_000)).toBe(3);
    expect(await triesAfter(120_000)).toBe(2);
    agent.onForget = async () => {};
    expect(await triesAfter(60_000)).toBe(1);
    expect(await controller.list({})).toEqual([]);
    expect([...records.entries()]).toEqual([]);
    expect(agent.forgotten).toEqual([id]);
    expect(clock.pending).toBe(0);
  });

  it('works at once when it is asked for again, and is not tried any more', async () => {
    const { create, controller, agent, clock, ref } = world();
    await create('box');
    agent.onForget = () => Promise.reject(new Error('read-only'));
    await failure(controller.delete(ref('box')));
    agent.onForget = async () => {};
    await controller.delete(ref('box'));
    expect(await controller.list({})).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('because its record stays is tried again, with nobody waiting', async () => {
    const { create, controller, clock, records, ref } = world();
    await create('box');
    const { remove } = records;
    records.remove = () => Promise.reject(new Error('no room'));
    await controller.delete(ref('box'), { wait: false });
    await clock.advance(0);
    records.remove = remove;
    await clock.advance(1_000);
    expect([...records.entries()]).toEqual([]);
  });

  it('and that could not be recorded is not said to be, when it is asked for again', async () => {
    const { create, controller, records, agent, ref } = world();
    await create('box');
    records.put = () => Promise.reject(new Error('no room'));
    agent.onForget = () => Promise.reject(new Error('no room'));
    const unwatched = { wait: false };
    expect((await failure(controller.delete(ref('box'), unwatched))).message).toContain('no room');
    await new Promise(setImmediate);
    expect((await failure(controller.delete(ref('box'), unwatched))).message).toContain('no room');
  });

  it('is left to the next core when this one ends', async () => {
    const { create, controller, agent, clock, ref } = world();
    await create('box');
    agent.onForget = () => Promise.reject(new Error('read-only'));
    await failure(controller.delete(ref('box')));
    controller.close();
    expect(clock.pending).toBe(0);
  });
});

describe('what is left of an earlier generation, and could not be forgotten', () => {
  const reset = async () => {
    const all = world();
    const first = await all.create('box');
    all.agent.onForget = async (id) => {
      if (id === first.id) throw new Error('busy');
    };
    const second = await all.controller.reset(all.ref('box'), { grace: 0 });
    return { ...all, first, second };
  };

  it('is forgotten when its sandbox has been deleted meanwhile', async () => {
    const { controller, agent, clock, ref, first, second } = await reset();
    await controller.delete(ref('box'), { grace: 0 });
    expect(agent.forgotten).toEqual([second.id]);
    agent.onForget = async () => {};
    await clock.advance(1_000);
    expect(agent.forgotten).toEqual([second.id, first.id]);
    expect(clock.pending).toBe(0);
  });

  it('is tried again beside a deletion that fails, too', async () => {
    const { controller, agent, clock, ref, first, second } = await reset();
    agent.onForget = () => Promise.reject(new Error('read-only'));
    await failure(controller.delete(ref('box'), { grace: 0 }));
    agent.onForget = async () => {};
    await clock.advance(2_000);
    expect(agent.forgotten.toSorted()).toEqual([first.id, second.id].toSorted());
    expect(await controller.list({})).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});

describe('an expired sandbox that cannot be stopped', () => {
  const expired = async () => {
    const all = world();
    const { id } = await all.create('box', { ttl: 60 });
    all.agent.onStop = () => Promise.reject(new Error('busy'));
    await all.clock.advance(60_000);
    expect((await all.controller.get(all.ref('box'))).state.phase).toBe('Expired');
    expect(all.agent.stops).toHaveLength(1);
    return { ...all, id };
  };

  it('is stopped by a later try', async () => {
    const { agent, clock, id } = await expired();
    await clock.advance(1_000);
    expect(agent.stops).toHaveLength(2);
    agent.onStop = async () => {};
    await clock.advance(2_000);
    expect(agent.stops).toHaveLength(3);
    expect(agent.stops.at(-1)).toMatchObject({ sandboxId: id, keepFiles: true });
    await clock.advance(600_000);
    expect(agent.stops).toHaveLength(3);
    expect(clock.pending).toBe(0);
  });

  it('is left to its deletion, and that one is tried again', async () => {
    const { agent, clock, controller, ref } = await expired();
    await failure(controller.delete(ref('box')));
    agent.onStop = async () => {};
    await clock.advance(60_000);
    await clock.advance(0);
    expect(await controller.list({})).toEqual([]);
    expect(agent.stops.slice(1).every(({ keepFiles }) => !keepFiles)).toBe(true);
    expect(clock.pending).toBe(0);
  });
});

it('a generation that cannot be forgotten is tried again, while its sandbox runs on', async () => {
  const { create, controller, agent, clock, ref } = world();
  const first = await create('box');
  agent.onForget = () => Promise.reject(new Error('busy'));
  const second = await controller.restart(ref('box'), { grace: 0 });
  expect(second.state.phase).toBe('Running');
  await clock.advance(3_000);
  expect(agent.forgotten).toEqual([]);
  agent.onForget = async () => {};
  await clock.advance(4_000);
  expect(agent.forgotten).toEqual([first.id]);
  expect(agent.retained.size).toBe(0);
  expect(clock.pending).toBe(0);
});

it('only the log of the last generation of a deleted sandbox is to be kept', async () => {
  const { create, controller, agent, ref } = world();
  await create('box');
  const { id } = await controller.reset(ref('box'), { grace: 0 });
  await controller.rename(ref('box'), 'crate');
  await controller.delete(ref('crate'));
  expect([...agent.retained]).toEqual([[id, 'default/crate']]);
});
