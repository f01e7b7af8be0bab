import { describe, expect, it } from 'vitest';
import { createPoolWorld, type PoolWorld, settle, shapeOf } from '../../helpers/pool/pool-world.ts';

const host = shapeOf('host');
const python = shapeOf('python');
const pausing = (changes: object = {}): PoolWorld => createPoolWorld({ pause_idle: true, ...changes });

describe('pause_idle', () => {
  it('freezes what is idle, and a claim thaws', async () => {
    const world = pausing();
    await world.warm([host, 2]);
    expect(world.fake.counts.paused).toBe(2);
    expect(world.row(host)).toMatchObject({ idle: 2 });
    const { instance, hit } = await world.claim(host);
    expect({ hit, state: instance.state }).toEqual({ hit: true, state: 'claimed' });
    await settle();
    expect(world.fake.counts.paused).toBe(2);
    expect(world.lifeOf(instance.id)).toEqual(['created', 'idle', 'paused', 'resumed', 'claimed']);
  });

  it('freezes only a few at once', async () => {
    const world = pausing({ capacity: { max: 20 } });
    world.fake.always('pause', { delay: 10 });
    await world.warm([host, 10]);
    expect(world.fake.callsOf('pause')).toHaveLength(4);
    await world.clock.advance(30);
    expect(world.fake.counts.paused).toBe(10);
  });

  it('never makes a claim wait for a freeze while another is idle', async () => {
    const world = pausing({ capacity: { max: 20 } });
    await world.warm([host, 1]);
    const [frozen] = world.fake.instances;
    world.fake.always('pause', { hang: true });
    world.pool.keepWarm([{ shape: host, image: 'host', count: 2 }]);
    await settle();
    const claim = await world.claim(host);
    expect(claim.instance.id).toBe(frozen);
  });

  it('hands out one that is just being frozen when there is no other, thawed again', async () => {
    const world = pausing();
    world.fake.script('pause', { delay: 10 });
    await world.warm([host, 1]);
    const claim = world.claim(host);
    await world.clock.advance(10);
    const { instance, hit } = await claim;
    expect({ hit, state: instance.state }).toEqual({ hit: true, state: 'claimed' });
    await settle();
    expect(world.lifeOf(instance.id)).toEqual(['created', 'idle', 'paused', 'resumed', 'claimed']);
  });

  it('destroys one that cannot be frozen, never hands it out, and replaces it', async () => {
    const world = pausing();
    world.fake.script('pause', { fail: 'freezer broke' });
    await world.warm([host, 1]);
    const [event] = world.events.filter(({ type }) => type === 'destroyed');
    expect(event).toMatchObject({ cause: expect.stringContaining('freezer broke') });
    expect(world.row(host)).toMatchObject({ idle: 1, stopping: 0 });
    expect(world.fake.counts).toMatchObject({ live: 1, paused: 1 });
    const { instance } = await world.claim(host);
    expect(instance.id).not.toBe((event as { instance: string }).instance);
  });

  it('does not boot for ever where nothing can be frozen', async () => {
    const world = pausing();
    world.fake.always('pause', { fail: 'no freezer here' });
    await world.warm([host, 2]);
    await settle();
    expect(world.fake.callsOf('boot').length).toBeLessThanOrEqual(6);
    expect(world.row(host)).toMatchObject({ idle: 0, breaker: expect.stringContaining('die right after') });
  });

  it('gives the caller another when one cannot be thawed', async () => {
    const world = pausing();
    await world.warm([host, 2]);
    const [oldest, newest] = world.fake.instances;
    world.fake.script('resume', { fail: 'freezer broke' });
    const claim = await world.claim(host);
    expect(claim).toMatchObject({ hit: true, instance: { id: oldest } });
    await settle();
    expect(world.fake.instances).not.toContain(newest);
    expect(world.row(host)).toMatchObject({ idle: 2, claimed: 1 });
  });

  it('bounds a thaw that hangs by the time of a look', async () => {
    const world = pausing({ health: { timeout: '500ms' } });
    await world.warm([host, 2]);
    world.fake.script('resume', { hang: true });
    const claim = world.claim(host);
    await world.clock.advance(500);
    await expect(claim).resolves.toMatchObject({ hit: true });
    await world.clock.advance(60_000);
    expect(world.fake.counts.live).toBe(3);
  });

  it('evicts frozen ones before running ones', async () => {
    const world = createPoolWorld({ capacity: { max: 2 } });
    await world.warm([host, 2]);
    const [older, newer] = world.fake.instances;
    world.fake.script('pause', { hang: true });
    world.fake.script('pause', {});
    world.configure({ pause_idle: true, capacity: { max: 2 } });
    await settle();
    expect(world.fake.counts.paused).toBe(1);
    const claim = await world.claim(python);
    expect(claim.hit).toBe(false);
    expect(world.fake.instances).toContain(older);
    expect(world.fake.instances).not.toContain(newer);
  });

  it('thaws what is idle when it is switched off, and freezes it when it is switched on', async () => {
    const world = pausing();
    await world.warm([host, 3]);
    world.configure({ pause_idle: false });
    await settle();
    expect(world.fake.counts.paused).toBe(0);
    world.configure({ pause_idle: true });
    world.configure({ pause_idle: true });
    await settle();
    expect(world.fake.counts.paused).toBe(3);
    expect(world.fake.callsOf('pause')).toHaveLength(6);
    expect(world.lifeOf(world.fake.instances[0]!)).toEqual([
      'created',
      'idle',
      'paused',
      'resumed',
      'paused',
    ]);
  });

  it('tells nothing of a pause that ends after the eviction', async () => {
    const world = pausing();
    world.fake.script('pause', { delay: 10 });
    world.fake.always('destroy', { delay: 20 });
    await world.warm([host, 1]);
    const [id] = world.fake.instances;
    await world.warm([host, 0]);
    await world.clock.advance(30);
    expect(world.lifeOf(id!)).toEqual(['created', 'idle', 'evicted surplus', 'destroyed surplus']);
  });

  it('heeds a switch that comes while something is being frozen', async () => {
    const world = pausing();
    world.fake.script('pause', { delay: 10 });
    await world.warm([host, 1]);
    world.configure({ pause_idle: false });
    await world.clock.advance(10);
    expect(world.fake.counts.paused).toBe(0);
  });
});
