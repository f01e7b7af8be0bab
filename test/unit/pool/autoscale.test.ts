import { describe, expect, it } from 'vitest';
import { type ScalingInput, scaledMin, shareByMisses } from '../../../src/core/pool/decide/autoscale.ts';
import { DemandWindow } from '../../../src/core/pool/shapes/demand-window.ts';
import { createPoolWorld, settle, shapeOf } from '../../helpers/pool/pool-world.ts';

const host = shapeOf('host');
const python = shapeOf('python');

describe('the minimum by demand', () => {
  const input: ScalingInput = {
    policy: { up: 0.3, down: 0.05, window: 120_000, cooldown: 60_000, maxStep: 4 },
    ...{ hits: 0, misses: 0, min: 5, lowest: 1, highest: 20 },
    sinceChange: Number.POSITIVE_INFINITY,
  };
  const pressed = (value: number, age = 0) => ({ pressure: { value, age } });

  it.each<[string, Partial<ScalingInput>, number]>([
    ['holds without claims', {}, 5],
    ['holds for 2 claims, both missed', { misses: 2 }, 5],
    ['rises for 3', { misses: 3 }, 8],
    ['rises in proportion to the misses', { hits: 2, misses: 1 }, 6],
    ['rises by two for two', { hits: 2, misses: 2 }, 7],
    ['rises by max_step at most', { misses: 100 }, 9],
    ['rises to max at most', { misses: 100, min: 18 }, 20],
    ['stays at max', { misses: 100, min: 20 }, 20],
    ['holds at the rate of up', { hits: 7, misses: 3 }, 5],
    ['rises just above it', { hits: 69, misses: 31 }, 9],
    ['holds between the rates', { hits: 9, misses: 1 }, 5],
    ['holds at the rate of down', { hits: 19, misses: 1 }, 5],
    ['falls by one below it', { hits: 20, misses: 1 }, 4],
    ['falls by one when nothing misses', { hits: 1000 }, 4],
    ['falls to the least at most', { hits: 1000, min: 1 }, 1],
    ['holds within the cooldown', { misses: 10, sinceChange: 59_999 }, 5],
    ['holds within it on the way down', { hits: 10, sinceChange: 59_999 }, 5],
    ['goes on after it', { misses: 10, sinceChange: 60_000 }, 9],
    ['rises by one under pressure alone', { hits: 10, ...pressed(1) }, 6],
    ['blends: 0.6 x 0.1 + 0.4 x 0.6 = 0.3 is not above up', { hits: 9, misses: 1, ...pressed(0.6) }, 5],
    ['blends: 0.6 x 0.1 + 0.4 x 0.7 = 0.34 is', { hits: 9, misses: 1, ...pressed(0.7) }, 6],
    ['is calmed by no pressure: 0.6 x 0.4 = 0.24', { hits: 6, misses: 4, ...pressed(0) }, 5],
    ['does not fall under pressure', { hits: 10, ...pressed(0.5) }, 5],
    ['heeds pressure for two windows', { hits: 10, ...pressed(1, 240_000) }, 6],
    ['forgets it after that', { hits: 10, ...pressed(1, 240_001) }, 4],
    ['needs 3 claims under pressure, too', { hits: 2, ...pressed(1) }, 5],
  ])('%s', (_, changes, expected) => {
    expect(scaledMin({ ...input, ...changes })).toBe(expected);
  });
});

describe('shares by misses', () => {
  it.each<[number, number[], number[]]>([
    [0, [3, 1], [0, 0]],
    [4, [3, 1], [3, 1]],
    [1, [1, 3], [0, 1]],
    [3, [0, 5], [0, 3]],
    [2, [2, 2, 2], [1, 1, 0]],
    [2, [0, 0], [0, 0]],
    [2, [], []],
  ])('%i among %j is %j', (count, misses, expected) => {
    expect(shareByMisses(count, misses)).toEqual(expected);
  });
});

describe('the window of the demand', () => {
  it('forgets what is older, to a sixtieth of it', () => {
    const demand = new DemandWindow(60_000);
    demand.note(500, false);
    demand.note(30_000, true);
    demand.note(30_100, true);
    expect(demand.count(59_999)).toEqual({ hits: 2, misses: 1 });
    expect(demand.count(60_000)).toEqual({ hits: 2, misses: 0 });
    expect(demand.count(90_000)).toEqual({ hits: 0, misses: 0 });
  });

  it('is empty after a long silence', () => {
    const demand = new DemandWindow(60_000);
    for (let at = 0; at < 60_000; at += 100) demand.note(at, true);
    expect(demand.count(1_000_000)).toEqual({ hits: 0, misses: 0 });
  });
});

describe('a pool that scales', () => {
  const policy = {
    capacity: { min: 1, max: 20 },
    autoscale: { enabled: true, window: '60s', cooldown: '10s', max_step: 4 },
  };

  it('raises min at once for misses, where they were, and tells', async () => {
    const world = createPoolWorld(policy);
    await world.warm([host, 1]);
    const claims = await Promise.all(Array.from({ length: 4 }, () => world.claim(python)));
    await settle();
    expect(world.events).toContainEqual({ type: 'scaled', min: 5 });
    expect(world.pool.totals.min).toBe(5);
    await Promise.all(claims.map((claim) => world.pool.release(claim)));
    await settle();
    expect(world.row(python)).toMatchObject({ idle: 4, claimed: 0 });
    expect(world.row(host)).toMatchObject({ idle: 1 });
  });

  it('lowers it one by one while claims hit, and drops what it no longer needs', async () => {
    const world = createPoolWorld({ ...policy, ttl: '1s' });
    await world.warm([host, 1]);
    const first = await Promise.all(Array.from({ length: 4 }, () => world.claim(host)));
    await Promise.all(first.map((claim) => world.pool.release(claim)));
    await settle();
    expect(world.pool.totals).toMatchObject({ min: 4, idle: 4 });
    const mins: number[] = [];
    for (let second = 0; second < 180; second++) {
      await world.pool.release(await world.claim(host));
      await world.clock.advance(1000);
      if (world.pool.totals.min !== mins.at(-1)) mins.push(world.pool.totals.min);
    }
    expect(mins).toEqual([4, 3, 2, 1]);
    await world.clock.advance(5000);
    expect(world.pool.totals).toMatchObject({ min: 1, idle: 1 });
  });

  it('is quiet when nobody claims: no timer goes on for ever', async () => {
    const world = createPoolWorld({ ...policy, ttl: '1s' });
    await world.warm([host, 1]);
    for (let round = 0; round < 3; round++) await world.pool.release(await world.claim(host));
    expect(world.clock.pending).toBeGreaterThan(0);
    await world.clock.advance(200_000);
    expect(world.clock.pending).toBe(0);
  });

  it('heeds pressure from outside', async () => {
    const world = createPoolWorld(policy);
    await world.warm([host, 2]);
    for (let round = 0; round < 3; round++) await world.pool.release(await world.claim(host));
    world.pool.press(1);
    await settle();
    expect(world.pool.totals.min).toBe(2);
  });

  it('is what the policy says when it does not scale, also when it did', async () => {
    const world = createPoolWorld(policy);
    await Promise.all(Array.from({ length: 4 }, () => world.claim(python)));
    expect(world.pool.totals.min).toBe(5);
    world.configure({ capacity: { min: 2, max: 20 }, autoscale: { enabled: false } });
    expect(world.pool.totals.min).toBe(2);
  });

  it('keeps what it learned within a new max', async () => {
    const world = createPoolWorld(policy);
    await Promise.all(Array.from({ length: 4 }, () => world.claim(python)));
    world.configure({ capacity: { min: 1, max: 3 } });
    expect(world.pool.totals.min).toBe(3);
  });
});
