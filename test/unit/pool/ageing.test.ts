import { describe, expect, it } from 'vitest';
import { chooseExpired } from '../../../src/core/pool/decide/ageing.ts';
import { createPoolWorld, settle, shapeOf } from '../../helpers/pool/pool-world.ts';

const host = shapeOf('host');
const python = shapeOf('python');

describe('which idle ones are over their ttl', () => {
  const idle = (name: string, since: number, jitter = 0) => ({ name, since, jitter });
  const never = Number.POSITIVE_INFINITY;

  it.each<
    [string, ReturnType<typeof idle>[], { surplus?: number; ttl?: number; now: number }, string[], number]
  >([
    ['none without surplus', [idle('a', 0)], { surplus: 0, now: 1000 }, [], never],
    ['none when ttl is 0', [idle('a', 0)], { ttl: 0, now: 1000 }, [], never],
    ['none when nothing is idle', [], { now: 1000 }, [], never],
    ['none before the shortest ttl, where to look again', [idle('a', 0, 0.05)], { now: 50 }, [], 90],
    ['none between that and its own', [idle('a', 0, 0.05)], { now: 100 }, [], 105],
    ['at its time', [idle('a', 0)], { now: 100 }, ['a'], never],
    ['earlier with less', [idle('a', 0, -0.05)], { now: 95 }, ['a'], never],
    ['later with more', [idle('a', 0, 0.05)], { now: 105 }, ['a'], never],
    ['no more than the surplus', [idle('a', 0), idle('b', 1)], { now: 200 }, ['a'], never],
    ['first whose time was over first', [idle('a', 0, 0.1), idle('b', 1, -0.1)], { now: 200 }, ['b'], never],
    ['the rest later', [idle('a', 0), idle('b', 50)], { surplus: 2, now: 100 }, ['a'], 150],
    ['all together', [idle('a', 0), idle('b', 0)], { surplus: 2, now: 100 }, ['a', 'b'], never],
  ])('%s', (_, candidates, { surplus = 1, ttl = 100, now }, expected, next) => {
    const expiry = chooseExpired(candidates, surplus, ttl, now);
    expect(expiry.expired.map(({ name }) => name)).toEqual(expected);
    expect(expiry.next).toBeCloseTo(next);
  });
});

/** A pool with `count` idle ones beyond what it keeps, all idle since the same moment. */
async function withSurplus(count: number, policy: object, options?: { random: () => number }) {
  const world = createPoolWorld(
    { capacity: { buffer_min: 0, buffer_max: 8, max: 20 }, reuse: 'sticky', ...policy },
    options,
  );
  const claims = await Promise.all(Array.from({ length: count }, () => world.claim(host)));
  await Promise.all(claims.map((claim) => world.pool.release(claim)));
  expect(world.row(host).idle).toBe(count);
  return world;
}

describe('ttl', () => {
  it('begins when it becomes idle, after the warm-up', async () => {
    const world = createPoolWorld({ ttl: '1s', warmup: ['prepare'], capacity: { buffer_max: 2 } });
    world.fake.always('run', { delay: 5000, exit: { code: 0 } });
    await world.warm([host, 1]);
    await world.clock.advance(4000);
    // The boot stays, for the buffer, but nothing keeps what comes of it.
    await world.warm([host, 0]);
    await world.clock.advance(1999);
    expect(world.row(host)).toMatchObject({ idle: 1 });
    await world.clock.advance(1);
    expect(world.row(host)).toMatchObject({ idle: 0, evicted: 1 });
  });

  it('ends an idle instance that nothing keeps', async () => {
    const world = await withSurplus(1, { ttl: '60s' });
    const [id] = world.fake.instances;
    await world.clock.advance(59_999);
    expect(world.row(host)).toMatchObject({ idle: 1, evicted: 0 });
    await world.clock.advance(1);
    expect(world.row(host)).toMatchObject({ idle: 0, evicted: 1 });
    await settle();
    expect(world.lifeOf(id!).slice(-2)).toEqual(['evicted ttl', 'destroyed ttl']);
    expect(world.metered).toContain('evicted ttl');
  });

  it('does not end what is kept: warm counts, the buffer, min', async () => {
    const world = createPoolWorld({ ttl: '60s', capacity: { min: 4, buffer_min: 1, buffer_max: 1 } });
    await world.warm([host, 2]);
    await world.pool.release(await world.claim(host));
    await world.clock.advance(59_000);
    expect(world.fake.counts.live).toBe(4);
    await world.clock.advance(600_000);
    expect(world.fake.counts.live).toBe(4);
    expect(world.row(host).evicted).toBe(0);
  });

  it('is spread by a tenth up and down, so that those that came together do not go together', async () => {
    const draws = [0, 0.25, 0.5, 0.75, 1];
    const world = await withSurplus(5, { ttl: '100s' }, { random: () => draws.shift()! });
    const gone: number[] = [];
    world.pool.onEvent((event) => {
      if (event.type === 'evicted') gone.push(Math.round(world.clock.monotonic()));
    });
    await world.clock.advance(110_001);
    expect(gone).toEqual([90_000, 95_000, 100_000, 105_000, 110_000]);
  });

  it('0 keeps them for ever', async () => {
    const world = await withSurplus(2, { ttl: 0 });
    await world.clock.advance(10_000_000);
    expect(world.row(host)).toMatchObject({ idle: 2 });
  });

  it('0 keeps a shape in recent use for ever', async () => {
    const world = createPoolWorld({ ttl: 0, capacity: { buffer_min: 1, buffer_max: 1 } });
    await world.pool.release(await world.claim(python));
    await world.clock.advance(10_000_000);
    expect(world.row(python)).toMatchObject({ idle: 1 });
  });

  it('leaves what is between buffer_min and buffer_max alone until then, and what is above goes at once', async () => {
    const world = createPoolWorld({
      ...{ ttl: '60s', reuse: 'sticky' },
      capacity: { buffer_min: 1, buffer_max: 3, max: 20 },
    });
    const claims = await Promise.all(Array.from({ length: 5 }, () => world.claim(host)));
    await world.clock.advance(10_000);
    await Promise.all(claims.map((claim) => world.pool.release(claim)));
    await settle();
    expect(world.row(host)).toMatchObject({ idle: 3 });
    expect(world.metered.filter((entry) => entry === 'evicted surplus')).toHaveLength(3);
    await world.clock.advance(59_000);
    expect(world.row(host)).toMatchObject({ idle: 3 });
    await world.pool.release(await world.claim(host));
    await world.clock.advance(1000);
    expect(world.row(host)).toMatchObject({ idle: 1 });
  });

  it('needs one timer for the whole pool', async () => {
    const world = await withSurplus(8, { ttl: '60s', max_age: '1h', health: { interval: '30s' } });
    expect(world.clock.pending).toBe(1);
  });
});

describe('max_age', () => {
  it('replaces an idle instance, also one that is kept, and boots the new one first', async () => {
    const world = createPoolWorld({ max_age: '60s' });
    await world.warm([host, 2]);
    const old = [...world.fake.instances];
    world.fake.always('boot', { delay: 40 });
    await world.clock.advance(60_000);
    expect(world.row(host)).toMatchObject({ idle: 2, booting: 2 });
    await world.clock.advance(39);
    expect(world.row(host)).toMatchObject({ idle: 2, booting: 2 });
    await world.clock.advance(1);
    expect(world.row(host)).toMatchObject({ idle: 2, booting: 0, stopping: 0 });
    for (const id of old)
      expect(world.lifeOf(id).slice(-2)).toEqual(['evicted max_age', 'destroyed max_age']);
    expect(world.fake.counts.peak).toBe(4);
  });

  it('goes on: the new ones are replaced in their turn', async () => {
    const world = createPoolWorld({ max_age: '60s' });
    await world.warm([host, 1]);
    await world.clock.advance(60_000 * 5);
    expect(world.fake.callsOf('boot')).toHaveLength(6);
    expect(world.row(host)).toMatchObject({ idle: 1 });
  });

  it('accepts a dip of one where there is no room for more', async () => {
    const world = createPoolWorld({ max_age: '60s', capacity: { max: 3 } });
    await world.warm([host, 3]);
    const old = [...world.fake.instances];
    world.fake.always('boot', { delay: 40 });
    world.fake.always('destroy', { delay: 10 });
    let fewest = 3;
    await world.clock.advance(59_999);
    for (let ms = 0; ms < 400; ms++) {
      await world.clock.advance(1);
      fewest = Math.min(fewest, world.row(host).idle);
    }
    expect(fewest).toBe(2);
    expect(world.row(host)).toMatchObject({ idle: 3 });
    for (const id of old) expect(world.fake.instances).not.toContain(id);
    expect(world.fake.counts.peak).toBe(3);
  });

  it('renews what only min keeps', async () => {
    const world = createPoolWorld({ max_age: '60s', capacity: { min: 3, max: 10 } });
    await world.warm([host, 1]);
    const old = [...world.fake.instances];
    expect(old).toHaveLength(3);
    await world.clock.advance(60_000);
    await settle();
    expect(world.row(host)).toMatchObject({ idle: 3 });
    for (const id of old) expect(world.fake.instances).not.toContain(id);
  });

  it('keeps the old one while nothing boots: better than none', async () => {
    const world = createPoolWorld({ max_age: '60s' });
    await world.warm([host, 1]);
    world.fake.always('boot', { fail: 'no space left on device' });
    await world.clock.advance(70_000);
    expect(world.row(host)).toMatchObject({ idle: 1, breaker: expect.stringContaining('no space') });
    await expect(world.claim(host)).resolves.toMatchObject({ hit: true });
  });

  it('lets an old one serve a claim meanwhile, and then it is gone', async () => {
    const world = createPoolWorld({ max_age: '60s' });
    await world.warm([host, 1]);
    world.fake.always('boot', { delay: 40 });
    await world.clock.advance(60_000);
    const claim = await world.claim(host);
    expect(claim.hit).toBe(true);
    await world.clock.advance(40);
    await world.pool.release(claim);
    expect(world.row(host)).toMatchObject({ idle: 1, booting: 0 });
  });

  it('bounds the life of one that is used again and again', async () => {
    const world = createPoolWorld({ max_age: '60s', reuse: 'sticky' });
    await world.warm([host, 1]);
    const claim = await world.claim(host);
    await world.clock.advance(60_000);
    await world.pool.release(claim);
    await settle();
    expect(world.lifeOf(claim.instance.id).slice(-2)).toEqual(['returned', 'destroyed max_age']);
    expect(world.row(host)).toMatchObject({ idle: 1 });
  });
});
