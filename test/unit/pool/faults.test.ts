import { describe, expect, it } from 'vitest';
import { bootInstance } from '../../../src/core/instance/boot-instance.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { newInstanceId } from '../../../src/core/model/ids.ts';
import {
  createPoolWorld,
  MiB,
  type PoolWorld,
  settle,
  shapeOf,
  shapeOfSize,
} from '../../helpers/pool/pool-world.ts';

const host = shapeOf('host');
const python = shapeOf('python');

describe('an idle instance that dies', () => {
  it('is noticed by event and replaced', async () => {
    const world = createPoolWorld();
    await world.warm([host, 2]);
    await world.clock.advance(5000);
    const [victim] = world.fake.instances;
    world.fake.killInstance(victim!);
    await settle();
    expect(world.row(host)).toMatchObject({ idle: 2, stopping: 0 });
    expect(world.fake.instances).not.toContain(victim);
    expect(world.events).toContainEqual(expect.objectContaining({ type: 'destroyed', instance: victim }));
  });

  it('right after each boot holds back the refill, not the claims', async () => {
    const world = createPoolWorld();
    await world.warm([host, 1]);
    for (let round = 0; round < 3; round++) {
      world.fake.killInstance(world.fake.instances[0]!);
      await settle();
    }
    expect(world.row(host)).toMatchObject({
      idle: 0,
      booting: 0,
      breaker: expect.stringContaining('die right after'),
    });
    await world.clock.advance(1000);
    expect(world.row(host)).toMatchObject({ idle: 1 });
    expect(world.row(host).breaker).toBeUndefined();
    world.fake.killInstance(world.fake.instances[0]!);
    await settle();
    expect(world.row(host)).toMatchObject({ idle: 0, booting: 0 });
    await expect(world.claim(host)).resolves.toMatchObject({ hit: false });
    await settle();
    expect(world.row(host)).toMatchObject({ idle: 1 });
    expect(world.row(host).breaker).toBeUndefined();
  });
});

describe('a boot', () => {
  it('that hangs is given up at boot_timeout, destroyed and counted', async () => {
    const world = createPoolWorld({ boot_timeout: '2s' });
    world.fake.script('boot', { hang: true });
    const claim = world.claim(host);
    await world.clock.advance(1999);
    expect(world.row(host)).toMatchObject({ booting: 1 });
    await world.clock.advance(1);
    await expect(claim).resolves.toMatchObject({ hit: false });
    expect(world.row(host)).toMatchObject({ claimed: 1, booting: 0, stopping: 0 });
    expect(world.events).toContainEqual(
      expect.objectContaining({ type: 'boot-failed', cause: 'the boot took longer than 2s' }),
    );
  });

  it('that ends long after it was given up is destroyed, and holds its room until then', async () => {
    const world = createPoolWorld({ boot_timeout: '2s', capacity: { max: 1 } });
    world.fake.script('boot', { delay: 5000, deaf: true });
    const claim = world.claim(host);
    await world.clock.advance(3000);
    expect(world.row(host)).toMatchObject({ booting: 0, stopping: 1, waiting: 1 });
    expect(world.fake.counts.peak).toBe(1);
    await world.clock.advance(9000);
    await expect(claim).resolves.toMatchObject({ hit: false });
    expect(world.fake.counts).toMatchObject({ live: 1, peak: 1 });
  });

  it('that comes up although it was given up is never handed out', async () => {
    const world = createPoolWorld({ boot_timeout: '2s', capacity: { max: 1 } }, { heedlessBoot: true });
    world.fake.script('boot', { delay: 5000 });
    const claim = world.claim(host);
    await world.clock.advance(4999);
    expect(world.row(host)).toMatchObject({ booting: 0, stopping: 1, waiting: 1 });
    await world.clock.advance(1);
    const { instance } = await claim;
    expect([...world.booted.keys()].indexOf(instance.id)).toBe(1);
    expect(world.fake.counts).toMatchObject({ live: 1, peak: 1 });
  });

  it('that fails in the middle of a fill leaves the good ones, and is made up for', async () => {
    const world = createPoolWorld();
    world.fake.script('boot', {}, { fail: 'no space left on device' }, {});
    await world.warm([host, 3]);
    expect(world.row(host)).toMatchObject({ idle: 3 });
    expect(world.eventTypes().filter((type) => type === 'boot-failed')).toHaveLength(1);
  });
});

describe('the circuit breaker', () => {
  const failing = (): PoolWorld => {
    const world = createPoolWorld();
    world.fake.always('boot', { fail: 'runc: exec format error' });
    return world;
  };

  it('opens after 3 failures in a row: the waiter and those to come hear the true reason at once', async () => {
    const world = failing();
    await expect(world.claim(host)).rejects.toMatchObject({
      code: 'run_failed',
      message: expect.stringContaining('runc: exec format error'),
    });
    expect(world.fake.callsOf('boot')).toHaveLength(3);
    await expect(world.claim(host)).rejects.toThrow(/exec format error/);
    expect(world.fake.callsOf('boot')).toHaveLength(3);
    expect(world.row(host).breaker).toContain('exec format error');
  });

  it('tells what to do about the reason, and when it is tried again', async () => {
    const world = createPoolWorld();
    const hint = 'Begin anew from the image: fsb-ctl reset NAME';
    world.fake.always('boot', { fail: new FsbError('run_failed', 'its layers are gone', { hint }) });
    for (let claim = 0; claim < 2; claim++)
      await expect(world.claim(host)).rejects.toMatchObject({
        hint,
        message: expect.stringMatching(
          /its layers are gone \(3 failures in a row; not tried again for 1s\)$/,
        ),
      });
  });

  it('says where to look when nothing is known about the reason', async () => {
    await expect(failing().claim(host)).rejects.toMatchObject({
      hint: 'See what is missing with: fsb-ctl doctor',
    });
  });

  it('does not touch other shapes, nor idle instances of its own', async () => {
    const world = createPoolWorld();
    await world.warm([host, 1]);
    world.fake.script('boot', ...Array.from({ length: 3 }, () => ({ fail: 'boom' })));
    await expect(world.claim(python)).rejects.toThrow(/boom/);
    await expect(world.claim(host)).resolves.toMatchObject({ hit: true });
    expect(world.row(host).breaker).toBeUndefined();
  });

  it('tries again after 1 s, doubling to 60 s, for a shape that is kept warm', async () => {
    const world = failing();
    await world.warm([host, 1]);
    const attempts: number[] = [];
    let seen = 3;
    for (let second = 1; second <= 250; second++) {
      await world.clock.advance(1000);
      const boots = world.fake.callsOf('boot').length;
      if (boots > seen) attempts.push(second);
      expect(boots - seen).toBeLessThanOrEqual(1);
      seen = boots;
    }
    expect(attempts).toEqual([1, 3, 7, 15, 31, 63, 123, 183, 243]);
  });

  it('closes with the first success', async () => {
    const world = failing();
    await expect(world.claim(host)).rejects.toThrow();
    world.fake.always('boot', {});
    await expect(world.claim(host)).rejects.toThrow();
    await world.clock.advance(1000);
    await expect(world.claim(host)).resolves.toBeDefined();
    expect(world.row(host).breaker).toBeUndefined();
  });

  it('lets one trial through for all who ask meanwhile', async () => {
    const world = failing();
    await expect(world.claim(host)).rejects.toThrow();
    await world.clock.advance(1000);
    world.fake.always('boot', { delay: 10 });
    const claims = Promise.all([world.claim(host), world.claim(host), world.claim(host)]);
    await settle();
    expect(world.row(host)).toMatchObject({ booting: 1, waiting: 3 });
    await world.clock.advance(20);
    await expect(claims).resolves.toHaveLength(3);
  });
});

describe('close', () => {
  it('racing 20 claims ends with nothing but what the callers hold', async () => {
    for (const ticks of [0, 1, 2, 3, 5, 8, 13]) {
      const world = createPoolWorld({ capacity: { max: 10 } });
      await world.warm([host, 5]);
      const claims = Array.from({ length: 20 }, () => world.claim(host));
      const outcomes = Promise.allSettled(claims);
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      await world.pool.close();
      for (const outcome of await outcomes) {
        if (outcome.status === 'fulfilled') await world.pool.release(outcome.value);
        else expect(outcome.reason).toMatchObject({ code: 'unavailable' });
      }
      expect(world.fake.counts).toMatchObject({ live: 0, booting: 0 });
      expect(world.clock.pending).toBe(0);
    }
  });

  it('is the same promise the second time, and later claims fail with one error', async () => {
    const world = createPoolWorld();
    await world.warm([host, 1]);
    const first = world.pool.close();
    expect(world.pool.close()).toBe(first);
    await first;
    await settle();
    expect(world.eventTypes().at(-1)).toBe('drained');
    await expect(world.claim(host)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('does not call a pool drained while a caller has an instance', async () => {
    const world = createPoolWorld();
    const claim = await world.claim(host);
    await world.pool.close();
    expect(world.eventTypes()).not.toContain('drained');
    await world.pool.release(claim);
    expect(world.fake.counts.live).toBe(0);
  });

  it.each([true, false])('destroys a boot that completes meanwhile, heedless %s', async (heedlessBoot) => {
    const world = createPoolWorld({}, { heedlessBoot });
    world.fake.script('boot', { delay: 50, deaf: true });
    const claim = world.claim(host).catch((error: unknown) => error);
    await settle();
    const closed = world.pool.close();
    await world.clock.advance(50);
    await closed;
    expect(await claim).toMatchObject({ code: 'unavailable' });
    expect(world.fake.counts).toMatchObject({ live: 0, booting: 0 });
  });

  it('is bounded by time when a teardown never ends', async () => {
    const world = createPoolWorld();
    await world.warm([host, 1]);
    world.fake.always('destroy', { hang: true });
    const closed = world.pool.close();
    await world.clock.advance(15_000);
    await closed;
  });

  it('waits no longer than a few seconds for what cannot be destroyed', async () => {
    const world = createPoolWorld();
    await world.warm([host, 2]);
    world.fake.always('destroy', { fail: 'read-only' });
    const closed = world.pool.close();
    await world.clock.advance(5_000);
    await closed;
    expect(world.row(host)).toMatchObject({ stopping: 2 });
  });
});

it('a guest that does not start the warm-up command is destroyed at boot_timeout', async () => {
  const world = createPoolWorld({ boot_timeout: '2s', warmup: ['prepare'] });
  world.fake.script('spawn', { hang: true, deaf: true });
  const claim = world.claim(host, { timeout: 2500 }).catch(() => undefined);
  await world.clock.advance(2000);
  expect(world.fake.callsOf('destroy')).toHaveLength(1);
  await world.clock.advance(500);
  await claim;
  expect(world.row(host)).toMatchObject({ stopping: 0 });
});

describe('shapes that nobody wants any more', () => {
  const other = (pids: number) => shapeOf('x', { resources: { ...host.resources, pids } });

  it('are forgotten in the end, also when nothing of them ever booted', async () => {
    const world = createPoolWorld({ capacity: { max: 50 } });
    world.fake.always('boot', { fail: 'no such thing' });
    for (let pids = 1; pids <= 400; pids++)
      await Promise.allSettled([1, 2, 3].map(() => world.claim(other(pids))));
    await world.clock.advance(60_000);
    await world.claim(host).catch(() => undefined);
    expect(world.pool.status().length).toBeLessThanOrEqual(256);
  });

  it('are not learnt from a claim that can never be served', async () => {
    const world = createPoolWorld({ memory_budget: '100m' });
    await expect(world.claim(shapeOfSize('large', 200 * MiB))).rejects.toMatchObject({ code: 'no_capacity' });
    expect(world.pool.status()).toEqual([]);
    expect(world.metered).toEqual(['claim rejected 0']);
  });
});

describe('a teardown that fails', () => {
  it('holds the room, and is tried again until nothing is left', async () => {
    const world = createPoolWorld({ capacity: { max: 1 } });
    const claim = await world.claim(host);
    world.fake.script('destroy', { delay: 10, fail: 'busy' }, { fail: 'still busy' });
    const released = world.pool.release(claim);
    await world.clock.advance(9);
    expect(world.pool.stuck()).toEqual([]);
    await world.clock.advance(1);
    await released;
    const next = world.claim(host);
    await world.clock.advance(2999);
    expect(world.row(host)).toMatchObject({ stopping: 1, claimed: 0, waiting: 1 });
    expect(world.pool.holds(claim.instance.id)).toBe(true);
    expect(world.pool.stuck()).toEqual([claim.instance.id]);
    expect(world.lifeOf(claim.instance.id)).not.toContain('destroyed released');
    await world.clock.advance(1);
    await expect(next).resolves.toMatchObject({ hit: false });
    expect(world.lifeOf(claim.instance.id)).toContain('destroyed released');
    expect(world.pool.stuck()).toEqual([]);
    expect(world.fake.counts.peak).toBe(1);
  });

  it('is given up when the pool has closed, with no timer left', async () => {
    const world = createPoolWorld();
    await world.warm([host, 1]);
    world.fake.always('destroy', { fail: 'busy' });
    const closed = world.pool.close();
    await world.clock.advance(5_000);
    await closed;
    expect(world.clock.pending).toBe(0);
    expect(world.row(host)).toMatchObject({ stopping: 1 });
    expect(world.eventTypes()).not.toContain('drained');
  });
});

describe('adopt', () => {
  const survivor = (world: PoolWorld) =>
    bootInstance(
      world.fake.driver,
      world.fake.openChannel,
      { id: newInstanceId(), shape: host, root: { overlays: [] } },
      { clock: world.clock },
    );

  it('keeps idle ones that are wanted, also when the warm shapes are told later, and drops the rest', async () => {
    const world = createPoolWorld({ warm: [{ image: 'host', count: 2 }] });
    const survivors = [await survivor(world), await survivor(world), await survivor(world)];
    for (const instance of survivors) world.pool.adopt(instance);
    await settle();
    expect(world.row(host)).toMatchObject({ idle: 3 });
    await world.warm([host, 2]);
    expect(world.row(host)).toMatchObject({ idle: 2, image: 'host' });
    expect(world.fake.callsOf('boot')).toHaveLength(3);
  });

  it('knows for how long a claimed one has been so', async () => {
    const world = createPoolWorld();
    const instance = await survivor(world);
    await instance.claim();
    world.pool.adopt(instance, 'host', 5000);
    await world.clock.advance(10);
    expect(world.pool.instances()).toMatchObject([{ instance, age: 5010 }]);
  });

  it('counts a claimed one until it is released, beyond max too', async () => {
    const world = createPoolWorld({ capacity: { max: 1 } });
    const [first, second] = [await survivor(world), await survivor(world)];
    await first.claim();
    await second.claim();
    const [held, alsoHeld] = [world.pool.adopt(first)!, world.pool.adopt(second)!];
    const claim = world.claim(host);
    await world.pool.release(held);
    await settle();
    expect(world.row(host)).toMatchObject({ claimed: 1, waiting: 1 });
    await world.pool.release(alsoHeld);
    await expect(claim).resolves.toMatchObject({ hit: false });
  });
});
