import { describe, expect, it } from 'vitest';
import type { FsbError } from '../../../src/core/model/failure/errors.ts';
import { CLOSURE } from '../../../src/core/pool/decide/passing.ts';
import { createPoolWorld, MiB, settle, shapeOf, shapeOfSize } from '../../helpers/pool/pool-world.ts';

const host = shapeOf('host');
const python = shapeOf('python');

describe('many at once', () => {
  it('50 claims on max 50 get 50 distinct live instances', async () => {
    const world = createPoolWorld({ capacity: { max: 50 } });
    await world.warm([host, 10]);
    const claims = await Promise.all(Array.from({ length: 50 }, () => world.claim(host)));
    expect(new Set(claims.map((claim) => claim.instance)).size).toBe(50);
    expect(claims.filter((claim) => claim.hit)).toHaveLength(10);
    for (const { instance } of claims) await instance.channel.ping(100);
    expect(world.fake.counts.peak).toBe(50);
  });

  it('20 callers x 50 claim and release never exceed max, and all are served', async () => {
    const world = createPoolWorld({ capacity: { max: 7 } });
    await world.warm([host, 3]);
    let served = 0;
    const caller = async (): Promise<void> => {
      for (let round = 0; round < 50; round++) {
        const claim = await world.claim(host);
        served += 1;
        void world.pool.release(claim);
      }
    };
    await Promise.all(Array.from({ length: 20 }, caller));
    expect(served).toBe(1000);
    expect(world.fake.counts.peak).toBeLessThanOrEqual(7);
  });

  it('6 callers on max 2 peak at 2 and finish in the order they came', async () => {
    const world = createPoolWorld({ capacity: { max: 2 } });
    world.fake.always('boot', { delay: 40 });
    world.fake.always('destroy', { delay: 10 });
    const order: number[] = [];
    const callers = Array.from({ length: 6 }, async (_, index) => {
      const claim = await world.claim(host);
      order.push(index);
      await world.pool.release(claim);
    });
    await world.clock.advance(1000);
    await Promise.all(callers);
    expect(order).toEqual([0, 1, 2, 3, 4, 5]);
    expect(world.fake.counts.peak).toBe(2);
  });

  it('a burst of 30 on 10 warm boots the rest at once and waits for no timer', async () => {
    const world = createPoolWorld({ capacity: { max: 60 } });
    await world.warm([host, 10]);
    const claims = await Promise.all(Array.from({ length: 30 }, () => world.claim(host)));
    expect(new Set(claims.map((claim) => claim.instance.id)).size).toBe(30);
    await settle();
    expect(world.row(host)).toMatchObject({ claimed: 30, idle: 10 });
    expect(world.clock.monotonic()).toBe(0);
  });

  it('boots side by side only as the policy says', async () => {
    const world = createPoolWorld({ boot_concurrency: 4, capacity: { max: 50 } });
    world.fake.always('boot', { delay: 10 });
    const claims = Promise.all(Array.from({ length: 20 }, () => world.claim(host)));
    await world.clock.advance(50);
    await claims;
    expect(world.fake.counts.peakBooting).toBe(4);
  });
});

describe('the queue', () => {
  it('turns a waiter away at its deadline, and is intact after', async () => {
    const world = createPoolWorld({ capacity: { max: 1 } });
    const held = await world.claim(host);
    let failedAt: number | undefined;
    const late = world.claim(host, { timeout: 500 }).catch((error: FsbError) => {
      failedAt = world.clock.monotonic();
      return error;
    });
    const patient = world.claim(host, { timeout: 5000 });
    await world.clock.advance(1000);
    expect(failedAt).toBe(500);
    expect(await late).toMatchObject({
      code: 'no_capacity',
      message: expect.stringMatching(/no instance of host came within 500ms.*1 of at most 1/),
      hint: expect.stringContaining('fsb-ctl pool update default-pool --max 2'),
    });
    await world.pool.release(held);
    await expect(patient).resolves.toBeDefined();
    expect(world.row(host).waiting).toBe(0);
  });

  it('is bounded', async () => {
    const world = createPoolWorld({ capacity: { max: 1 }, queue: { length: 2 } });
    await world.claim(host);
    const waiting = [world.claim(host), world.claim(host)];
    await expect(world.claim(host)).rejects.toThrow(/queue of pool default-pool is full/);
    const outcomes = Promise.allSettled(waiting);
    await world.clock.advance(30_000);
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { code: 'no_capacity' } });
  });

  it('wakes everyone who fits when room is released', async () => {
    const world = createPoolWorld({ memory_budget: '100m' });
    const large = await world.claim(shapeOfSize('large', 100 * MiB));
    const waiters = [world.claim(shapeOfSize('a', 50 * MiB)), world.claim(shapeOfSize('b', 50 * MiB))];
    await settle();
    await world.pool.release(large);
    await expect(Promise.all(waiters)).resolves.toHaveLength(2);
  });

  it('counts what a holder was given on top, and wakes who fits when it is given less', async () => {
    const world = createPoolWorld({ memory_budget: '200m' });
    const { pool } = world;
    const claim = await world.claim(shapeOfSize('a', 50 * MiB));
    pool.resize(claim, 150 * MiB);
    expect(pool.totals.memory).toBe(150 * MiB);
    expect(() => pool.resize(claim, 201 * MiB)).toThrow(expect.objectContaining({ code: 'no_capacity' }));
    const waiting = world.claim(shapeOfSize('b', 100 * MiB));
    await settle();
    expect(pool.totals).toMatchObject({ waiting: 1, memory: 150 * MiB });
    pool.resize(claim, 100 * MiB);
    const other = await waiting;
    // As an earlier core had given it.
    pool.resize(other, 150 * MiB, true);
    expect(pool.totals.memory).toBe(250 * MiB);
    await Promise.all([pool.release(claim), pool.release(other)]);
    expect(() => pool.resize(claim, MiB)).toThrow(expect.objectContaining({ code: 'conflict' }));
    await settle();
    const { idle, booting } = pool.totals;
    expect(pool.totals.memory).toBeLessThanOrEqual((idle + booting) * 100 * MiB);
  });

  it('starves neither a large waiter nor small ones', async () => {
    const world = createPoolWorld({ memory_budget: '400m', capacity: { max: 40 } });
    const small = shapeOfSize('small', 100 * MiB);
    const holders = await Promise.all(Array.from({ length: 4 }, () => world.claim(small)));
    const served: string[] = [];
    const large = world.claim(shapeOfSize('large', 400 * MiB), { timeout: 1_000_000 }).then((claim) => {
      served.push('large');
      return world.pool.release(claim);
    });
    const stream = Array.from({ length: 60 }, () =>
      world.claim(small, { timeout: 1_000_000 }).then((claim) => {
        served.push('small');
        return world.pool.release(claim);
      }),
    );
    await settle();
    expect(served).toEqual([]);
    for (const holder of holders) await world.pool.release(holder);
    await Promise.all([large, ...stream]);
    const before = served.indexOf('large');
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThanOrEqual(20);
  });
});

describe('a large waiter that nothing can help', () => {
  const small = shapeOfSize('small', 50 * MiB);
  const large = shapeOfSize('large', 400 * MiB);
  const held = shapeOfSize('held', 100 * MiB);

  it('closes the line for a short while, and never for ever', async () => {
    const world = createPoolWorld({ memory_budget: '400m', capacity: { max: 40 } });
    await world.warm([small, 2]);
    const blocker = await world.claim(held);
    const patient = world.claim(large, { timeout: 24 * 3_600_000 });
    await settle();
    for (let round = 0; round < 60; round++) {
      const began = world.clock.monotonic();
      const claim = world.claim(small);
      await world.clock.advance(CLOSURE);
      await world.pool.release(await claim);
      expect(world.clock.monotonic() - began).toBeLessThanOrEqual(CLOSURE);
    }
    await world.pool.release(blocker);
    await expect(patient).resolves.toMatchObject({ hit: false });
  });

  it('is served although a stream of small ones never ends', async () => {
    const world = createPoolWorld({ memory_budget: '400m', capacity: { max: 40 } });
    await world.warm([small, 2]);
    const held = await Promise.all(Array.from({ length: 8 }, () => world.claim(small)));
    let served = false;
    const patient = world.claim(large, { timeout: 3_600_000 }).then(() => {
      served = true;
    });
    // Each has its instance for a second; the next one comes in the moment in which it ends.
    const stream = async (first: (typeof held)[number]): Promise<void> => {
      for (let claim = first; !served; claim = await world.claim(small, { timeout: 3_600_000 })) {
        await new Promise<void>((resolve) => void world.clock.after(1000, resolve));
        void world.pool.release(claim);
      }
    };
    const streams = held.map(stream);
    for (let second = 0; second < 60 && !served; second++) await world.clock.advance(1000);
    expect(served).toBe(true);
    const closed = world.pool.close();
    await Promise.allSettled([patient, closed, ...streams]);
  });
});

describe('boots that nobody waits for', () => {
  it.each<[string, Record<string, unknown>]>([
    ['hold every boot place', { capacity: { max: 10 }, boot_concurrency: 4 }],
    ['hold all the room', { capacity: { max: 4 } }],
  ])('give way to a waiter of another shape when they %s', async (_, policy) => {
    const world = createPoolWorld(policy);
    world.fake.script('boot', ...Array.from({ length: 4 }, () => ({ hang: true })));
    await world.warm([host, 4]);
    await expect(world.claim(python)).resolves.toMatchObject({ hit: false });
    expect(world.row(host).booting).toBeGreaterThanOrEqual(3);
    expect(world.fake.counts.peak).toBeLessThanOrEqual(world.pool.policy.capacity.max);
  });
});

describe('several shapes under one budget', () => {
  it('evicts the oldest idle instance of another shape for a waiter, and refills when there is room again', async () => {
    const world = createPoolWorld({ capacity: { max: 3 } });
    await world.warm([host, 3]);
    const [oldest] = world.fake.instances;
    world.fake.always('destroy', { delay: 100 });
    const claim = world.claim(python);
    await world.clock.advance(99);
    expect(world.row(host)).toMatchObject({ idle: 2, stopping: 1, evicted: 1 });
    expect(world.fake.callsOf('destroy')).toEqual([oldest]);
    await world.clock.advance(1);
    const served = await claim;
    expect(world.row(host)).toMatchObject({ idle: 2, booting: 0 });
    void world.pool.release(served);
    await world.clock.advance(100);
    expect(world.row(host)).toMatchObject({ idle: 3 });
    expect(world.fake.counts.peak).toBe(3);
    expect(world.eventTypes()).toContain('evicted');
  });

  it('evicts for every waiter at once, also beside one that takes the room that is free', async () => {
    const world = createPoolWorld({ capacity: { max: 3 } });
    await world.warm([host, 2]);
    world.fake.script('boot', { hang: true });
    const stuck = world.claim(python, { timeout: 1000 }).catch((error: FsbError) => error.code);
    await expect(world.claim(shapeOf('node'))).resolves.toMatchObject({ hit: false });
    expect(world.row(host)).toMatchObject({ idle: 1, evicted: 1 });
    await world.clock.advance(1000);
    expect(await stuck).toBe('no_capacity');
  });

  it('evicts nothing where all that is idle could not make room, nor without a waiter', async () => {
    const world = createPoolWorld({ memory_budget: '400m', capacity: { max: 40 } });
    const small = shapeOfSize('small', 100 * MiB);
    await world.warm([small, 1]);
    const held = [await world.claim(small), await world.claim(small)];
    await settle();
    expect(world.row(small)).toMatchObject({ idle: 1, claimed: 2 });
    const large = world.claim(shapeOfSize('large', 300 * MiB));
    await settle();
    expect(world.row(small)).toMatchObject({ idle: 1, evicted: 0 });
    await world.pool.release(held[0]!);
    await expect(large).resolves.toBeDefined();
    expect(world.row(small)).toMatchObject({ idle: 0, evicted: 1, claimed: 1 });
  });

  it('spares a victim that becomes claimed before the eviction acts, and takes the next', async () => {
    const world = createPoolWorld({ capacity: { max: 2 } });
    await world.warm([host, 2]);
    const [oldest, newest] = world.fake.instances;
    // In one tick: the waiter that needs room, then claims for all that is idle but one.
    const waiting = world.claim(python);
    const claim = world.claim(host);
    const { instance } = await claim;
    await expect(waiting).resolves.toMatchObject({ hit: false });
    expect(instance.id).toBe(newest);
    expect(instance.state).toBe('claimed');
    expect(world.fake.instances).not.toContain(oldest);

    const other = createPoolWorld({ capacity: { max: 1 } });
    await other.warm([host, 1]);
    const late = other.claim(python, { timeout: 50 }).catch((error: FsbError) => error.code);
    const only = await other.claim(host);
    await other.clock.advance(50);
    expect(await late).toBe('no_capacity');
    expect(only.instance.state).toBe('claimed');
    expect(other.fake.callsOf('destroy')).toEqual([]);
  });

  it('has at most 8 evictions under way', async () => {
    const world = createPoolWorld({ capacity: { max: 12 } });
    await world.warm([host, 12]);
    world.fake.always('destroy', { delay: 100 });
    const claims = Array.from({ length: 12 }, () => world.claim(python));
    await settle();
    expect(world.row(host).stopping).toBe(8);
    await world.clock.advance(200);
    await Promise.all(claims);
    expect(world.fake.counts.peak).toBe(12);
  });

  it('drops idle instances of a shape that is no longer kept warm', async () => {
    const world = createPoolWorld();
    await world.warm([host, 3]);
    await world.warm([python, 2]);
    expect(world.row(host)).toMatchObject({ idle: 0 });
    expect(world.row(python)).toMatchObject({ idle: 2 });
    expect(world.fake.counts.live).toBe(2);
  });

  it('what is to be warm takes the room of buffers, those of the shapes that were used least lately first', async () => {
    const world = createPoolWorld({ capacity: { max: 4, buffer_min: 1, buffer_max: 1 } });
    const [first, second, ...later] = ['a', 'b', 'c', 'd'].map((name) => shapeOf(name));
    for (const shape of [first!, second!, ...later]) {
      await world.pool.release(await world.claim(shape));
      await world.clock.advance(1);
    }
    expect(world.pool.totals).toMatchObject({ idle: 4 });
    world.fake.always('destroy', { delay: 100 });
    await world.warm([host, 2]);
    await world.clock.advance(100);
    expect(world.row(host)).toMatchObject({ idle: 2, booting: 0 });
    expect([first!, second!].map((shape) => world.row(shape).idle)).toEqual([0, 0]);
    expect(later.map((shape) => world.row(shape).idle)).toEqual([1, 1]);
    expect(world.fake.counts.peak).toBe(4);
    // They do not come back while there is no room but theirs.
    await world.clock.advance(1000);
    expect(world.row(host)).toMatchObject({ idle: 2, evicted: 0 });
  });

  it('a buffer never takes what leaves piece by piece for one that is to be warm', async () => {
    const world = createPoolWorld({
      ...{ memory_budget: '400m', capacity: { max: 40, buffer_min: 1, buffer_max: 1 } },
    });
    const small = ['a', 'b', 'c'].map((name) => shapeOfSize(name, 100 * MiB));
    for (const shape of small) await world.pool.release(await world.claim(shape));
    world.fake.always('destroy', { delay: 100 });
    world.fake.script('destroy', { delay: 10 });
    const large = shapeOfSize('large', 400 * MiB);
    await world.warm([large, 1]);
    await world.clock.advance(100);
    expect(world.row(large)).toMatchObject({ idle: 1, booting: 0 });
    expect(world.pool.totals).toMatchObject({ idle: 1, booting: 0, stopping: 0 });
  });

  it('keeps the minimum alive', async () => {
    const world = createPoolWorld({ capacity: { min: 4, max: 6 } });
    await world.warm([host, 1], [python, 1]);
    expect(world.fake.counts.live).toBe(4);
    expect(world.row(host).idle).toBe(3);
    const claim = await world.claim(python);
    await settle();
    expect(world.fake.counts.live).toBe(5);
    await world.pool.release(claim);
    await settle();
    expect(world.fake.counts.live).toBe(4);
  });
});
