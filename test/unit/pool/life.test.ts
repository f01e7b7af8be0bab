import { describe, expect, it } from 'vitest';
import type { FsbError } from '../../../src/core/model/failure/errors.ts';
import { createPoolWorld, MiB, settle, shapeOf, shapeOfSize } from '../../helpers/pool/pool-world.ts';

const host = shapeOf('host');
const python = shapeOf('python');

/** Whether it has settled, without waiting for it. */
function watched<T>(promise: Promise<T>): { done: boolean; promise: Promise<T> } {
  const state = { done: false, promise };
  promise.then(
    () => {
      state.done = true;
    },
    () => {
      state.done = true;
    },
  );
  return state;
}

describe('stop', () => {
  it('removes what is idle, keeps nothing warm, and resolves when it is gone', async () => {
    const world = createPoolWorld();
    await world.warm([host, 2]);
    world.fake.always('destroy', { delay: 100 });
    const stopped = watched(world.pool.stop());
    const again = watched(world.pool.stop());
    expect(world.pool.state).toBe('stopped');
    await world.clock.advance(99);
    expect([stopped.done, again.done]).toEqual([false, false]);
    await world.clock.advance(1);
    expect([stopped.done, again.done]).toEqual([true, true]);
    await world.clock.advance(1000);
    expect(world.pool.totals).toMatchObject({ idle: 0, booting: 0, stopping: 0 });
    await world.pool.stop();
  });

  it('gives up the boots that nobody waits for, and only those', async () => {
    const world = createPoolWorld();
    world.fake.always('boot', { delay: 40 });
    await world.warm([host, 2]);
    const claim = world.claim(host);
    await settle();
    await world.pool.stop();
    expect(world.row(host)).toMatchObject({ booting: 1, waiting: 1 });
    await world.clock.advance(40);
    await expect(claim).resolves.toMatchObject({ hit: false });
    expect(world.row(host)).toMatchObject({ booting: 0, idle: 0, claimed: 1 });
  });

  it('lets claims boot, and leaves nothing of them behind, sticky or not', async () => {
    const world = createPoolWorld({ reuse: 'sticky', capacity: { buffer_min: 1, buffer_max: 4, min: 1 } });
    await world.warm([host, 1]);
    await world.pool.stop();
    const claim = await world.claim(host);
    expect(claim.hit).toBe(false);
    await world.pool.release(claim);
    await settle();
    expect(world.fake.counts).toMatchObject({ live: 0, booting: 0 });
  });

  it('turns away who waits for a warm one: none will come', async () => {
    const world = createPoolWorld({ on_empty: 'wait', capacity: { max: 1 } });
    await world.warm([host, 1]);
    await world.claim(host);
    const waiting = world.claim(host).catch((error: FsbError) => error);
    await settle();
    await world.pool.stop();
    expect(await waiting).toMatchObject({
      code: 'no_capacity',
      message: expect.stringMatching(/keeps no instance of host warm/),
    });
  });

  it('is undone by start', async () => {
    const world = createPoolWorld();
    await world.warm([host, 2]);
    await world.pool.stop();
    world.pool.start();
    world.pool.start();
    await settle();
    expect(world.pool.state).toBe('active');
    expect(world.row(host)).toMatchObject({ idle: 2 });
  });

  it.each(['stop', 'drain'] as const)(
    'ends recent use: after a %s only what is to be warm comes back',
    async (end) => {
      const world = createPoolWorld({ capacity: { buffer_min: 1, buffer_max: 4 } });
      await world.warm([host, 1]);
      for (const shape of [host, python]) await world.pool.release(await world.claim(shape));
      await settle();
      expect(world.row(python)).toMatchObject({ idle: 1 });
      await world.pool[end]();
      world.pool.start();
      await settle();
      expect(world.row(python)).toMatchObject({ idle: 0, booting: 0 });
      expect(world.row(host)).toMatchObject({ idle: 1 });
    },
  );
});

describe('drain', () => {
  it('refuses who comes, turns away who waits, and resolves when the last instance is given back', async () => {
    const world = createPoolWorld({ capacity: { max: 2 } });
    await world.warm([host, 1]);
    const held = [await world.claim(host), await world.claim(host)];
    const waiting = world.claim(host).catch((error: FsbError) => error);
    await settle();
    const drained = watched(world.pool.drain());
    expect(await waiting).toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/drained/),
      hint: expect.stringMatching(/start/),
    });
    await expect(world.claim(host)).rejects.toMatchObject({ code: 'conflict' });
    expect(world.metered.at(-1)).toBe('claim rejected 0');
    await world.pool.release(held[0]!);
    await settle();
    expect(drained.done).toBe(false);
    await world.pool.release(held[1]!);
    await drained.promise;
    await settle();
    expect(world.eventTypes().at(-1)).toBe('drained');
    expect(world.fake.counts).toMatchObject({ live: 0, booting: 0 });
    expect(world.pool.state).toBe('drained');
  });

  it('is the same the second time, and tells once', async () => {
    const world = createPoolWorld();
    await world.warm([host, 2]);
    await Promise.all([world.pool.drain(), world.pool.drain()]);
    await world.pool.drain();
    await world.pool.stop();
    expect(world.pool.state).toBe('drained');
    await world.pool.close();
    await settle();
    expect(world.eventTypes().filter((type) => type === 'drained')).toHaveLength(1);
  });

  it('takes a claim that is just being checked away from its caller', async () => {
    const world = createPoolWorld();
    await world.warm([host, 1]);
    world.fake.script('ping', { delay: 5 });
    const claim = world.claim(host).catch((error: FsbError) => error);
    const drained = world.pool.drain();
    await world.clock.advance(5);
    expect(await claim).toMatchObject({ code: 'conflict' });
    await drained;
    expect(world.fake.counts.live).toBe(0);
  });

  it('gives up boots, also the ones that somebody waited for', async () => {
    const world = createPoolWorld();
    world.fake.always('boot', { hang: true });
    const claim = world.claim(host).catch((error: FsbError) => error);
    await settle();
    await world.pool.drain();
    expect(await claim).toMatchObject({ code: 'conflict' });
    expect(world.row(host).breaker).toBeUndefined();
  });

  it('that is overtaken by start fails, and the pool is active', async () => {
    const world = createPoolWorld();
    await world.warm([host, 1]);
    const claim = await world.claim(host);
    const drained = world.pool.drain().catch((error: FsbError) => error);
    world.pool.start();
    expect(await drained).toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/started again/),
    });
    await settle();
    expect(world.row(host)).toMatchObject({ idle: 1, claimed: 1 });
    await world.pool.release(claim);
    await settle();
    expect(world.eventTypes()).not.toContain('drained');
    await world.pool.drain();
  });

  it('that is overtaken by close fails; a closed pool does not drain', async () => {
    const world = createPoolWorld();
    await world.claim(host);
    const drained = world.pool.drain().catch((error: FsbError) => error);
    await world.pool.close();
    expect(await drained).toMatchObject({ code: 'unavailable' });
    await expect(world.pool.drain()).rejects.toMatchObject({ code: 'unavailable' });
    world.pool.start();
    await world.pool.stop();
    await expect(world.claim(host)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('another policy', () => {
  it('with less room drops idle ones, oldest first, and never touches claimed ones', async () => {
    const world = createPoolWorld({ capacity: { max: 8 } });
    await world.warm([host, 4]);
    const claims = [await world.claim(host), await world.claim(host)];
    await settle();
    const idle = world.fake.instances.filter((id) => !claims.some(({ instance }) => instance.id === id));
    world.configure({ capacity: { max: 3 } });
    await settle();
    expect(world.row(host)).toMatchObject({ idle: 1, claimed: 2, max: 3 });
    expect(world.fake.instances).toContain(idle.at(-1));
    world.configure({ capacity: { max: 1 } });
    await settle();
    expect(world.row(host)).toMatchObject({ idle: 0, claimed: 2 });
    for (const { instance } of claims) expect(instance.state).toBe('claimed');
    const waiting = watched(world.claim(host));
    await world.pool.release(claims[0]!);
    await settle();
    expect(waiting.done).toBe(false);
    await world.pool.release(claims[1]!);
    await waiting.promise;
  });

  it('with less memory does the same', async () => {
    const world = createPoolWorld({ memory_budget: '400m', resources: { memory: '100m' } });
    const small = shapeOfSize('small', 100 * MiB);
    await world.warm([small, 4]);
    world.configure({ memory_budget: '200m' });
    await settle();
    expect(world.row(small)).toMatchObject({ idle: 2 });
    expect(world.pool.totals.memory).toBe(200 * MiB);
  });

  it('with less room gives up boots, and whoever they were for waits for room', async () => {
    const world = createPoolWorld({ capacity: { max: 4 } });
    world.fake.always('boot', { delay: 40 });
    const claims = Array.from({ length: 4 }, () => world.claim(host));
    await settle();
    world.configure({ capacity: { max: 2 } });
    await settle();
    expect(world.row(host)).toMatchObject({ booting: 2, waiting: 4 });
    await world.clock.advance(40);
    const first = await Promise.all(claims.slice(0, 2));
    await Promise.all(first.map((claim) => world.pool.release(claim)));
    await world.clock.advance(40);
    await Promise.all(claims);
    expect(world.fake.counts.peak).toBe(4);
  });

  it('with more room serves who waited for it', async () => {
    const world = createPoolWorld({ capacity: { max: 1 } });
    await world.claim(host);
    const waiting = world.claim(host);
    await settle();
    world.configure({ capacity: { max: 2 } });
    await expect(waiting).resolves.toBeDefined();
  });

  it('turns away at once who waits for what can never fit any more, and nobody else', async () => {
    const world = createPoolWorld({ memory_budget: '400m', capacity: { max: 1 } });
    const held = await world.claim(shapeOfSize('held', 50 * MiB));
    const large = world.claim(shapeOfSize('large', 300 * MiB)).catch((error: FsbError) => error);
    const small = world.claim(shapeOfSize('small', 50 * MiB));
    await settle();
    world.configure({ memory_budget: '200m', capacity: { max: 1 } });
    expect(await large).toMatchObject({
      code: 'no_capacity',
      message: expect.stringMatching(/300MiB.*200MiB/),
    });
    await world.pool.release(held);
    await expect(small).resolves.toBeDefined();
  });

  it('is what the pool shows and what the next claims follow', async () => {
    const world = createPoolWorld();
    world.configure({ on_empty: 'fail', capacity: { max: 5, min: 2 } });
    expect(world.pool.policy).toMatchObject({ onEmpty: 'fail', capacity: { max: 5 } });
    expect(world.pool.totals.min).toBe(2);
    await expect(world.claim(host)).rejects.toMatchObject({ code: 'no_capacity' });
  });

  it('changes nothing in a closed pool', async () => {
    const world = createPoolWorld();
    await world.pool.close();
    world.configure({ on_empty: 'fail' });
    expect(world.pool.policy.onEmpty).toBe('boot');
  });
});

describe('other warm entries', () => {
  it('turn away who waits for a warm one of a shape that is no longer kept', async () => {
    const world = createPoolWorld({ on_empty: 'wait', capacity: { max: 1 } });
    await world.warm([host, 1]);
    await world.claim(host);
    const waiting = world.claim(host).catch((error: FsbError) => error);
    await settle();
    await world.warm([python, 1]);
    expect(await waiting).toMatchObject({
      code: 'no_capacity',
      message: expect.stringMatching(/keeps no instance of host warm/),
    });
  });

  it('are shown in the status', async () => {
    const world = createPoolWorld();
    await world.warm([host, 2], [python, 0]);
    expect(world.row(host).warm).toBe(2);
    expect(world.row(python).warm).toBe(0);
  });
});

describe('a reset', () => {
  it('closes every breaker, so that boots are tried at once', async () => {
    const world = createPoolWorld();
    world.fake.always('boot', { fail: 'no space left' });
    await world.warm([host, 1]);
    await expect(world.claim(python)).rejects.toThrow();
    expect(world.row(host).breaker).toContain('no space left');
    world.fake.always('boot', {});
    world.pool.resetBreakers();
    expect(world.row(python).breaker).toBeUndefined();
    await settle();
    expect(world.row(host)).toMatchObject({ idle: 1 });
    await expect(world.claim(python)).resolves.toMatchObject({ hit: false });
    expect(world.clock.monotonic()).toBe(0);
    await world.clock.advance(400_000);
    expect(world.clock.pending).toBe(0);
  });

  it('lets them open again', async () => {
    const world = createPoolWorld();
    world.fake.always('boot', { fail: 'no space left' });
    await world.warm([host, 1]);
    world.pool.resetBreakers();
    await settle();
    expect(world.fake.callsOf('boot')).toHaveLength(6);
    expect(world.row(host).breaker).toContain('no space left');
  });

  it('also lets the refill go on', async () => {
    const world = createPoolWorld();
    await world.warm([host, 1]);
    for (let round = 0; round < 3; round++) {
      world.fake.killInstance(world.fake.instances[0]!);
      await settle();
    }
    expect(world.row(host).idle).toBe(0);
    world.pool.resetBreakers();
    await settle();
    expect(world.row(host)).toMatchObject({ idle: 1 });
  });
});

describe('what the pool tells of itself', () => {
  it('counts everything once', async () => {
    const world = createPoolWorld({ capacity: { min: 1 } });
    await world.warm([host, 2]);
    const claim = await world.claim(host);
    world.fake.always('boot', { hang: true });
    world.fake.always('destroy', { hang: true });
    void world.claim(python).catch(() => undefined);
    await settle();
    void world.pool.release(claim);
    await settle();
    expect(world.pool.totals).toEqual({
      ...{ idle: 2, claimed: 0, booting: 1, stopping: 1, waiting: 1, min: 1 },
      // Idle, booting, stopping: all hold their room.
      memory: 4 * host.resources.memory,
    });
  });

  it('lists its instances, oldest first, with what they are and since when', async () => {
    const world = createPoolWorld({ pause_idle: true });
    await world.warm([host, 1]);
    await world.clock.advance(100);
    world.fake.always('destroy', { delay: 50 });
    const claim = await world.claim(host, { image: 'host' });
    await world.clock.advance(30);
    const list = () => world.pool.instances().map(({ instance, image, age }) => [instance.state, image, age]);
    expect(list()).toEqual([
      ['claimed', 'host', 30],
      ['paused', 'host', 30],
    ]);
    void world.pool.release(claim);
    await world.clock.advance(10);
    expect(list()).toEqual([
      ['stopping', 'host', 10],
      ['paused', 'host', 40],
    ]);
    await world.clock.advance(40);
    expect(list()).toEqual([['paused', 'host', 80]]);
  });
});
