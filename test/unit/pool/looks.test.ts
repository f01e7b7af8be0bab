import { describe, expect, it } from 'vitest';
import { createPoolWorld, settle, shapeOf } from '../../helpers/pool/pool-world.ts';

const host = shapeOf('host');
const health = { interval: '30s', timeout: '500ms' };

describe('looks at the idle', () => {
  it('ask every one of them in each interval, and nobody else', async () => {
    const world = createPoolWorld({ health });
    await world.warm([host, 3]);
    const claim = await world.claim(host);
    await settle();
    const before = world.fake.callsOf('ping').length;
    await world.clock.advance(29_999);
    expect(world.fake.callsOf('ping')).toHaveLength(before);
    await world.clock.advance(1);
    const asked = world.fake.callsOf('ping').slice(before);
    expect(new Set(asked)).toEqual(new Set(world.fake.instances.filter((id) => id !== claim.instance.id)));
    await world.clock.advance(60_000);
    expect(world.fake.callsOf('ping')).toHaveLength(before + 9);
  });

  it('replace the silent and the dead', async () => {
    const world = createPoolWorld({ health });
    await world.warm([host, 3]);
    world.fake.script('ping', { hang: true }, { fail: 'the channel is broken' });
    await world.clock.advance(30_500);
    await settle();
    expect(world.row(host)).toMatchObject({ idle: 3, stopping: 0 });
    expect(world.fake.callsOf('boot')).toHaveLength(5);
    const causes = world.events.flatMap((event) => (event.type === 'destroyed' ? [event.cause] : []));
    expect(causes).toEqual(
      expect.arrayContaining([expect.stringMatching(/took longer than 500 ms/), 'the channel is broken']),
    );
  });

  it('are so many at once, and no more', async () => {
    const world = createPoolWorld({ health, capacity: { max: 50 } });
    await world.warm([host, 40]);
    world.fake.always('ping', { delay: 100 });
    await world.clock.advance(30_000);
    expect(world.fake.callsOf('ping')).toHaveLength(16);
    await world.clock.advance(300);
    expect(world.fake.callsOf('ping')).toHaveLength(40);
    expect(world.row(host)).toMatchObject({ idle: 40 });
  });

  it('do not pile up while one round takes longer than the interval', async () => {
    const world = createPoolWorld({ health: { interval: '1s', timeout: '1s' }, capacity: { max: 50 } });
    await world.warm([host, 48]);
    world.fake.always('ping', { delay: 900 });
    await world.clock.advance(1000);
    await world.clock.advance(2700);
    expect(world.fake.callsOf('ping')).toHaveLength(48);
  });

  it('leave the frozen alone: they cannot answer', async () => {
    const world = createPoolWorld({ health, pause_idle: true });
    await world.warm([host, 2]);
    await world.clock.advance(100_000);
    expect(world.fake.callsOf('ping')).toEqual([]);
    expect(world.row(host)).toMatchObject({ idle: 2, evicted: 0 });
  });

  it('do not end one that was claimed while it was asked', async () => {
    const world = createPoolWorld({ health });
    await world.warm([host, 1]);
    world.fake.script('ping', { hang: true });
    await world.clock.advance(30_000);
    const { instance } = await world.claim(host);
    await world.clock.advance(1000);
    expect(instance.state).toBe('claimed');
  });

  it('nor one that has come back since', async () => {
    const world = createPoolWorld({ health, reuse: 'sticky', capacity: { buffer_max: 4 } });
    await world.warm([host, 1]);
    const [id] = world.fake.instances;
    world.fake.script('ping', { hang: true });
    await world.clock.advance(30_000);
    const claim = await world.claim(host);
    await world.clock.advance(100);
    await world.pool.release(claim);
    await world.clock.advance(1000);
    expect(world.lifeOf(id!)).not.toContainEqual(expect.stringMatching(/destroyed/));
  });

  it('cost no timer while nothing is idle, and go on when something is', async () => {
    const world = createPoolWorld({ health });
    await world.warm([host, 1]);
    expect(world.clock.pending).toBe(1);
    await world.warm([host, 0]);
    await world.clock.advance(30_000);
    expect(world.clock.pending).toBe(0);
    await world.warm([host, 1]);
    await world.clock.advance(30_000);
    expect(world.fake.callsOf('ping')).toHaveLength(1);
  });

  it('follow another interval, and stop with 0', async () => {
    const world = createPoolWorld({ health });
    await world.warm([host, 1]);
    await world.clock.advance(10_000);
    world.configure({ health: { interval: '5s', timeout: '500ms' } });
    await world.clock.advance(5_000);
    expect(world.fake.callsOf('ping')).toHaveLength(1);
    world.configure({ health: { interval: 0 } });
    await world.clock.advance(100_000);
    expect(world.fake.callsOf('ping')).toHaveLength(1);
    expect(world.clock.pending).toBe(0);
  });

  it('end with the pool', async () => {
    const world = createPoolWorld({ health });
    await world.warm([host, 2]);
    world.fake.always('ping', { hang: true });
    await world.clock.advance(30_000);
    await world.pool.close();
    await world.clock.advance(1000);
    expect(world.clock.pending).toBe(0);
    expect(world.fake.counts.live).toBe(0);
  });
});
