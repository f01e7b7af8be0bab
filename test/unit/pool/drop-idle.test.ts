import { describe, expect, it } from 'vitest';
import { createPoolWorld, settle, shapeOf } from '../../helpers/pool/pool-world.ts';

const host = shapeOf('host');
const python = shapeOf('python');

describe('dropIdle', () => {
  it('destroys what the buffer kept of an image, and the buffer does not boot it again', async () => {
    const world = createPoolWorld({ capacity: { buffer_min: 1, buffer_max: 2 } });
    const claim = await world.claim(python);
    await world.claim(host);
    await settle();
    await world.pool.release(claim);
    expect(world.row(python)).toMatchObject({ idle: 1, claimed: 0 });
    await world.pool.dropIdle(python.image);
    await settle();
    expect(world.row(python)).toMatchObject({ idle: 0, booting: 0, stopping: 0 });
    expect(world.row(host)).toMatchObject({ idle: 1, claimed: 1 });
    expect((await world.claim(python)).hit).toBe(false);
  });

  it('resolves when the instances are gone, also those that were leaving already', async () => {
    const world = createPoolWorld({ capacity: { buffer_min: 1, buffer_max: 2 } });
    const claim = await world.claim(python);
    await settle();
    world.fake.always('destroy', { delay: 100 });
    void world.pool.release(claim);
    let dropped = false;
    const dropping = world.pool.dropIdle(python.image).then(() => {
      dropped = true;
    });
    await world.clock.advance(99);
    expect(dropped).toBe(false);
    await world.clock.advance(1);
    await dropping;
    expect(world.fake.counts.live).toBe(0);
  });

  it('gives up the boots that nobody waits for, and only those', async () => {
    const world = createPoolWorld({ capacity: { buffer_min: 2, buffer_max: 2 } });
    world.fake.always('boot', { delay: 40 });
    const claim = world.claim(python);
    await settle();
    expect(world.row(python)).toMatchObject({ booting: 3, waiting: 1 });
    const dropping = world.pool.dropIdle(python.image);
    await world.clock.advance(40);
    await dropping;
    await expect(claim).resolves.toMatchObject({ hit: false });
    await settle();
    expect(world.row(python)).toMatchObject({ idle: 0, booting: 0, stopping: 0, claimed: 1 });
  });

  it('leaves claimed ones alone', async () => {
    const world = createPoolWorld();
    const { instance } = await world.claim(python);
    await world.pool.dropIdle(python.image);
    expect(instance.state).toBe('claimed');
  });

  it('refuses an image that is kept warm, and drops it once it is not', async () => {
    const world = createPoolWorld({ capacity: { min: 2 } });
    await world.warm([host, 2]);
    await expect(world.pool.dropIdle(host.image)).rejects.toMatchObject({
      code: 'conflict',
      message: 'pool default-pool keeps image host warm',
      hint: 'Keep none of it warm first: fsb-ctl pool update default-pool --warm host=0',
    });
    expect(world.row(host)).toMatchObject({ idle: 2 });
    world.pool.keepWarm([{ shape: python, image: 'python', count: 2 }]);
    await world.pool.dropIdle(host.image);
    await settle();
    expect(world.row(host)).toMatchObject({ idle: 0, booting: 0 });
    expect(world.row(python)).toMatchObject({ idle: 2 });
  });

  it('does nothing for an image that the pool does not know, or when it is closed', async () => {
    const world = createPoolWorld();
    await world.pool.dropIdle('sha256:unknown');
    await world.pool.close();
    await world.pool.dropIdle(host.image);
  });
});
