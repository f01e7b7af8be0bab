import { describe, expect, it } from 'vitest';
import { createPoolWorld, MiB, settle, shapeOf, shapeOfSize } from '../../helpers/pool/pool-world.ts';

const host = shapeOf('host');
const python = shapeOf('python');

describe('a claim that hits', () => {
  it('gets the newest idle instance, checked, and leaves the rest', async () => {
    const world = createPoolWorld();
    await world.warm([host, 1]);
    await world.clock.advance(10);
    await world.warm([host, 2]);
    const newest = world.fake.instances[1];
    const { instance, hit } = await world.claim(host);
    expect(instance.id).toBe(newest);
    expect(hit).toBe(true);
    expect(instance.state).toBe('claimed');
    expect(world.fake.callsOf('ping')).toEqual([newest]);
  });

  it('starts the refill in the tick of the claim, before its own answer', async () => {
    const world = createPoolWorld();
    await world.warm([host, 2]);
    let release!: () => void;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    world.fake.script('ping', { until: held });
    const claim = world.claim(host);
    await Promise.resolve();
    await Promise.resolve();
    expect(world.row(host)).toMatchObject({ idle: 1, claimed: 1, booting: 1 });
    release();
    await claim;
    await settle();
    expect(world.row(host)).toMatchObject({ idle: 2, claimed: 1, booting: 0, hits: 1, misses: 0 });
    expect(world.events).toContainEqual({ type: 'refill', shape: world.row(host).shape, count: 1 });
  });

  it('asks the guest before anything else of the tick runs', async () => {
    const world = createPoolWorld();
    await world.warm([host, 1]);
    const claim = world.claim(host);
    expect(world.fake.callsOf('ping')).toHaveLength(1);
    await claim;
  });

  it('passes over dead and silent instances, unseen by the caller', async () => {
    const world = createPoolWorld({ health: { timeout: '500ms' } });
    await world.warm([host, 3]);
    const [oldest] = world.fake.instances;
    world.fake.always('boot', { delay: 40 });
    world.fake.script('ping', { fail: 'the channel is broken' }, { fail: 'no answer' });
    const { instance, hit } = await world.claim(host);
    expect(instance.id).toBe(oldest);
    expect(hit).toBe(true);
    await world.clock.advance(40);
    expect(world.row(host)).toMatchObject({ idle: 3, claimed: 1, stopping: 0 });
    expect(world.fake.counts.live).toBe(4);
  });

  it('is served by an instance that was killed just before, too', async () => {
    const world = createPoolWorld();
    await world.warm([host, 2]);
    world.fake.killInstance(world.fake.instances[1]!);
    const claim = world.claim(host);
    await expect(claim).resolves.toMatchObject({ hit: true });
    await settle();
    expect(world.row(host)).toMatchObject({ idle: 2, claimed: 1 });
  });

  it('falls back to a boot when every idle instance is dead', async () => {
    const world = createPoolWorld();
    await world.warm([host, 2]);
    world.fake.script('ping', { fail: 'dead' }, { fail: 'dead' });
    world.fake.always('boot', { delay: 40 });
    const claim = world.claim(host);
    await world.clock.advance(40);
    await expect(claim).resolves.toMatchObject({ hit: false });
    expect(world.row(host)).toMatchObject({ hits: 0, misses: 1 });
  });

  it('never shares between shapes, and shares between tags of one digest', async () => {
    const world = createPoolWorld({ capacity: { max: 20 } });
    await world.warm([host, 1]);
    const others = [
      shapeOfSize('host', 256 * MiB),
      shapeOf('host', { network: 'host' }),
      shapeOf('host', { runtime: 'crun' }),
      shapeOf('host', { mounts: [{ source: '/a', target: '/b', readOnly: true }] }),
    ];
    for (const other of others) {
      const claim = await world.claim(other);
      expect(claim.hit).toBe(false);
      expect(claim.instance.shape).toEqual(other);
    }
    expect((await world.claim(host, { image: 'another-tag' })).hit).toBe(true);
  });
});

describe('a claim that misses', () => {
  it('boots one and reports the miss', async () => {
    const world = createPoolWorld();
    const { instance, hit } = await world.claim(python);
    expect(hit).toBe(false);
    expect(instance.state).toBe('claimed');
    expect(world.row(python)).toMatchObject({ claimed: 1, idle: 0, misses: 1, hits: 0 });
  });

  it('is refused at once with on_empty fail', async () => {
    const world = createPoolWorld();
    await expect(world.claim(python, { onEmpty: 'fail' })).rejects.toMatchObject({ code: 'no_capacity' });
    expect(world.fake.counts.live).toBe(0);
  });

  it('waits for a warm one with on_empty wait, and is refused where none is kept', async () => {
    const world = createPoolWorld({ on_empty: 'wait' });
    await world.warm([host, 1]);
    const claims = await Promise.all([world.claim(host), world.claim(host), world.claim(host)]);
    expect(new Set(claims.map((claim) => claim.instance.id)).size).toBe(3);
    // Never more than the shape keeps warm for those who wait, and as many for those to come.
    expect(world.fake.counts.peakBooting).toBe(2);
    await expect(world.claim(python)).rejects.toThrow(/keeps no instance of python warm/);
  });

  it('that is larger than the whole budget is refused at once', async () => {
    const world = createPoolWorld({ memory_budget: '1g' });
    await expect(world.claim(shapeOfSize('big', 2048 * MiB))).rejects.toMatchObject({
      code: 'no_capacity',
      message: expect.stringMatching(/2GiB.*1GiB/),
    });
  });

  it('lets go of an image: what is idle goes, what is claimed or kept warm stays, and the next claim boots', async () => {
    const world = createPoolWorld({ capacity: { buffer_min: 1, buffer_max: 1 } });
    const [used, kept] = [shapeOf('used'), shapeOf('kept')];
    await world.warm([kept, 1]);
    await world.claim(used);
    await settle();
    expect(world.row(used)).toMatchObject({ idle: 1, claimed: 1 });
    await expect(world.pool.dropIdle(kept.image)).rejects.toMatchObject({ code: 'conflict' });
    await world.pool.dropIdle(used.image);
    await settle();
    expect(world.row(used)).toMatchObject({ idle: 0, claimed: 1, booting: 0, stopping: 0 });
    expect(world.row(kept)).toMatchObject({ idle: 1 });
    expect(await world.claim(used)).toMatchObject({ hit: false });
  });

  it('keeps a buffer of a shape in recent use, and drops it when the use is long ago', async () => {
    const world = createPoolWorld({ capacity: { buffer_min: 1, buffer_max: 2 } });
    const first = await world.claim(python);
    await settle();
    expect(world.row(python)).toMatchObject({ idle: 1, claimed: 1 });
    await world.pool.release(first);
    await expect(world.claim(python)).resolves.toMatchObject({ hit: true });
    await world.clock.advance(299_000);
    expect(world.row(python)).toMatchObject({ idle: 1 });
    await world.clock.advance(2_000);
    expect(world.row(python)).toMatchObject({ idle: 0, claimed: 1 });
  });

  it('gives up after three instances that do not answer, with the reason', async () => {
    const world = createPoolWorld();
    world.fake.always('ping', { fail: 'no answer' });
    await expect(world.claim(python)).rejects.toMatchObject({
      code: 'run_failed',
      message: expect.stringContaining('no answer'),
    });
    await settle();
    expect(world.fake.counts.live).toBe(0);
    expect(world.fake.callsOf('boot')).toHaveLength(3);
  });
});

describe('a caller that goes away', () => {
  it('while it waits for room leaves no trace', async () => {
    const world = createPoolWorld({ capacity: { max: 1 } });
    const first = await world.claim(host);
    const abort = new AbortController();
    const second = world.claim(host, { signal: abort.signal });
    const third = world.claim(host);
    abort.abort();
    await expect(second).rejects.toMatchObject({ code: 'cancelled' });
    expect(world.row(host).waiting).toBe(1);
    await world.pool.release(first);
    await expect(third).resolves.toMatchObject({ hit: false });
    expect(world.fake.counts.peak).toBe(1);
  });

  it('while its instance boots has the boot given up', async () => {
    const world = createPoolWorld();
    world.fake.script('boot', { hang: true });
    const abort = new AbortController();
    const claim = world.claim(host, { signal: abort.signal });
    await settle();
    abort.abort();
    await expect(claim).rejects.toMatchObject({ code: 'cancelled' });
    await settle();
    expect(world.row(host)).toMatchObject({ booting: 0, stopping: 0, idle: 0, waiting: 0 });
    expect(world.row(host).breaker).toBeUndefined();
    expect(world.fake.counts.booting).toBe(0);
  });

  it('before it asked, takes nothing', async () => {
    const world = createPoolWorld();
    await world.warm([host, 1]);
    await expect(world.claim(host, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(world.row(host)).toMatchObject({ idle: 1, claimed: 0 });
  });

  it('during the health check leaks nothing', async () => {
    const world = createPoolWorld();
    await world.warm([host, 1]);
    world.fake.script('ping', { delay: 5 });
    const abort = new AbortController();
    const claim = world.claim(host, { signal: abort.signal });
    abort.abort();
    const outcome = expect(claim).rejects.toMatchObject({ code: 'cancelled' });
    await world.clock.advance(5);
    await outcome;
    await settle();
    expect(world.row(host)).toMatchObject({ idle: 1, claimed: 0, stopping: 0 });
    expect(world.fake.counts.live).toBe(1);
  });
});

describe('release', () => {
  it('answers when the room is free; a second one is a conflict, then and later', async () => {
    const world = createPoolWorld({ capacity: { max: 1 } });
    const claim = await world.claim(host);
    world.fake.script('destroy', { delay: 100 });
    const released = world.pool.release(claim);
    await expect(world.pool.release(claim)).rejects.toMatchObject({ code: 'conflict' });
    expect(world.row(host)).toMatchObject({ claimed: 0, stopping: 1 });
    await world.clock.advance(100);
    await released;
    expect(world.row(host)).toMatchObject({ claimed: 0, stopping: 0 });
    await expect(world.pool.release(claim)).rejects.toMatchObject({ code: 'conflict' });
    expect(world.fake.callsOf('destroy')).toHaveLength(1);
  });

  it('refuses a claim of another pool, whose instance lives on', async () => {
    const [world, other] = [createPoolWorld(), createPoolWorld()];
    const claim = await other.claim(host);
    await expect(world.pool.release(claim)).rejects.toMatchObject({ code: 'conflict' });
    expect(claim.instance.state).toBe('claimed');
    await other.pool.release(claim);
  });

  it('refuses a copy of a claim: who has the instance does not have the claim', async () => {
    const world = createPoolWorld();
    const claim = await world.claim(host);
    await expect(world.pool.release({ ...claim })).rejects.toMatchObject({ code: 'conflict' });
    expect(world.row(host)).toMatchObject({ claimed: 1 });
    await world.pool.release(claim);
  });
});

it('reports the time of claims', async () => {
  const world = createPoolWorld();
  world.fake.always('boot', { delay: 40 });
  const claim = world.claim(host);
  await world.clock.advance(40);
  await claim;
  expect(world.row(host)).toMatchObject({ p50: 40, p99: 40 });
});

it('tells events in order, and a failing listener harms nobody', async () => {
  const world = createPoolWorld();
  world.pool.onEvent(() => {
    throw new Error('a bad listener');
  });
  await world.warm([host, 1]);
  const claim = await world.claim(host);
  await settle();
  await world.pool.release(claim);
  await settle();
  const own = world.events.filter((event) => 'instance' in event && event.instance === claim.instance.id);
  expect(own.map((event) => event.type)).toEqual(['created', 'idle', 'claimed', 'returned', 'destroyed']);
});

it('holds what it claimed until nothing is left of it', async () => {
  const world = createPoolWorld();
  const claim = await world.claim(host);
  const { instance } = claim;
  expect(world.pool.holds(instance.id)).toBe(true);
  world.fake.script('destroy', { delay: 100 });
  const released = world.pool.release(claim);
  await settle();
  expect(world.pool.holds(instance.id)).toBe(true);
  await world.clock.advance(100);
  await released;
  expect(world.pool.holds(instance.id)).toBe(false);
});
