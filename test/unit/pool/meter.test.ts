import { describe, expect, it } from 'vitest';
import { createPoolWorld, MiB, settle, shapeOf, shapeOfSize } from '../../helpers/pool/pool-world.ts';

const host = shapeOf('host');
const python = shapeOf('python');

describe('the meter', () => {
  it('hears of hits and misses, of waits and boots', async () => {
    const world = createPoolWorld();
    world.fake.always('boot', { delay: 40 });
    const miss = world.claim(host);
    await world.clock.advance(40);
    await miss;
    await world.warm([host, 1]);
    await world.clock.advance(40);
    await world.claim(host);
    expect(world.metered).toEqual([
      ...['booted 40', 'claim miss 40', 'waited 40'],
      ...['booted 40', 'claim hit 0'],
    ]);
  });

  it('hears of one that came too late, and how long it waited', async () => {
    const world = createPoolWorld({ capacity: { max: 1 } });
    await world.claim(host);
    world.metered.length = 0;
    const late = world.claim(host, { timeout: 500 }).catch(() => undefined);
    await world.clock.advance(500);
    await late;
    expect(world.metered).toEqual(['claim timeout 500', 'waited 500']);
  });

  it('hears of one that went away while it waited', async () => {
    const world = createPoolWorld({ capacity: { max: 1 } });
    await world.claim(host);
    world.metered.length = 0;
    const abort = new AbortController();
    const gone = world.claim(host, { signal: abort.signal }).catch(() => undefined);
    await world.clock.advance(20);
    abort.abort();
    await gone;
    expect(world.metered).toEqual(['claim failed 20', 'waited 20']);
  });

  it('hears of refusals, which wait for nothing', async () => {
    const world = createPoolWorld({ memory_budget: '512m', queue: { length: 1 } });
    await world.claim(host);
    world.metered.length = 0;
    await world.claim(python, { onEmpty: 'fail' }).catch(() => undefined);
    await world.claim(python, { onEmpty: 'wait' }).catch(() => undefined);
    await world.claim(shapeOfSize('huge', 600 * MiB)).catch(() => undefined);
    void world.claim(python).catch(() => undefined);
    await world.claim(python).catch(() => undefined);
    await world.pool.close();
    await world.claim(host).catch(() => undefined);
    expect(world.metered.filter((entry) => entry === 'claim rejected 0')).toHaveLength(6);
    expect(world.metered.filter((entry) => entry.startsWith('waited'))).toHaveLength(1);
  });

  it('hears of boots that failed, with the code of the reason, and of claims that failed for it', async () => {
    const world = createPoolWorld({ boot_timeout: '2s' });
    world.fake.always('boot', { fail: 'no space left' });
    await world.claim(host).catch(() => undefined);
    await world.claim(host).catch(() => undefined);
    world.fake.always('boot', { hang: true });
    const hanging = world.claim(python, { timeout: 3000 }).catch(() => undefined);
    await world.clock.advance(3000);
    await hanging;
    expect(world.metered).toEqual([
      ...Array.from({ length: 3 }, () => 'boot failed run_failed'),
      ...['claim failed 0', 'waited 0', 'claim rejected 0'],
      ...['boot failed timeout', 'claim timeout 3000', 'waited 3000'],
    ]);
  });

  it('hears that an open breaker refuses at once, as against a boot that failed', async () => {
    const world = createPoolWorld();
    world.fake.always('boot', { fail: 'no space left' });
    await Promise.allSettled([world.claim(host), world.claim(host), world.claim(host)]);
    world.metered.length = 0;
    await expect(world.claim(host)).rejects.toMatchObject({ code: 'run_failed' });
    expect(world.metered).toEqual(['claim rejected 0']);
  });

  it('hears why idle ones had to go', async () => {
    const world = createPoolWorld({ capacity: { max: 2 } });
    await world.warm([host, 2]);
    await world.claim(python);
    await world.warm([host, 0]);
    expect(world.metered.filter((entry) => entry.startsWith('evicted'))).toEqual([
      'evicted room',
      'evicted surplus',
    ]);
  });

  it('harms nobody when it breaks', async () => {
    const broken = (): void => {
      throw new Error('a bad meter');
    };
    const world = createPoolWorld(
      { capacity: { max: 1 } },
      { meter: { claim: broken, waited: broken, booted: broken, bootFailed: broken, evicted: broken } },
    );
    await world.warm([host, 1]);
    world.fake.script('boot', { fail: 'once' });
    const claim = await world.claim(python);
    await world.pool.release(claim);
    await settle();
    expect(world.row(host)).toMatchObject({ idle: 1 });
  });
});
