import { describe, expect, it } from 'vitest';
import { bootInstance } from '../../../src/core/instance/boot-instance.ts';
import { newInstanceId } from '../../../src/core/model/ids.ts';
import type { Claim } from '../../../src/core/pool/pool.ts';
import { createPoolWorld, type PoolWorld, settle, shapeOf } from '../../helpers/pool/pool-world.ts';

const host = shapeOf('host');
const python = shapeOf('python');
const sticky = (changes: object = {}): PoolWorld =>
  createPoolWorld({ reuse: 'sticky', capacity: { buffer_max: 8, max: 20 }, ...changes });
const process = { argv: ['sleep'], env: {}, cwd: '', user: '', tty: false, stdin: false };

describe('sticky', () => {
  it('hands out the oldest, and puts what is returned at the tail', async () => {
    const world = sticky();
    await world.warm([host, 3]);
    const [first, second, third] = world.fake.instances;
    const order: string[] = [];
    for (let round = 0; round < 7; round++) {
      const claim = await world.claim(host);
      order.push(claim.instance.id);
      await world.pool.release(claim);
    }
    const refill = world.fake.instances[3];
    expect(order).toEqual([first, second, third, refill, first, second, third]);
    expect(world.fake.callsOf('destroy')).toEqual([]);
  });

  it('scrubs before it is idle again: everything is killed, and only PID 1 is left', async () => {
    const world = sticky();
    const claim = await world.claim(host);
    const left = await claim.instance.channel.spawn(1, process);
    await world.pool.release(claim);
    expect(await left.exited).toEqual({ code: null, signal: 9 });
    expect(claim.instance.state).toBe('idle');
    const again = await world.claim(host);
    expect(again).toMatchObject({ hit: true, instance: claim.instance });
    expect(again).not.toBe(claim);
    await expect(again.instance.channel.spawn(1, process)).resolves.toBeDefined();
  });

  it('goes straight to one who waits', async () => {
    const world = sticky({ capacity: { max: 1 } });
    const claim = await world.claim(host);
    const waiting = world.claim(host);
    await world.pool.release(claim);
    expect((await waiting).instance).toBe(claim.instance);
    await settle();
    expect(world.lifeOf(claim.instance.id)).toEqual(['created', 'claimed', 'returned', 'claimed']);
  });

  it('makes room for one who waits for another shape', async () => {
    const world = sticky({ capacity: { max: 1, buffer_max: 1 } });
    const claim = await world.claim(host);
    const other = world.claim(python);
    await world.pool.release(claim);
    await expect(other).resolves.toMatchObject({ hit: false });
    expect(world.lifeOf(claim.instance.id)).toEqual([
      ...['created', 'claimed', 'returned', 'idle', 'evicted room', 'destroyed room'],
    ]);
  });

  it.each<[string, (world: PoolWorld, claim: Claim) => void, RegExp]>([
    ['is dead', (world, claim) => world.fake.killInstance(claim.instance.id), /lost|killed/],
    ['cannot be scrubbed', (world) => world.fake.script('scrub', { fail: 'no answer' }), /no answer/],
    [
      'has a process that survives',
      (world) => world.fake.always('stats', { pids: 2 }),
      /processes are left|took/,
    ],
    ['is silent', (world) => world.fake.always('ping', { hang: true }), /took longer/],
    ['was being destroyed', (_, claim) => void claim.instance.destroy('by hand'), /by hand/],
  ])('destroys one that %s, and never hands it out again', async (_, damage, cause) => {
    const world = sticky();
    const claim = await world.claim(host);
    damage(world, claim);
    const released = world.pool.release(claim);
    await world.clock.advance(10_000);
    await released;
    expect(world.row(host)).toMatchObject({ idle: 0, claimed: 0, stopping: 0 });
    expect(world.lifeOf(claim.instance.id).at(-1)).toMatch(cause);
    expect(world.fake.counts.live).toBe(0);
  });

  it('destroys it when it is told to', async () => {
    const world = sticky();
    const claim = await world.claim(host);
    await world.pool.release(claim, { destroy: true });
    expect(world.row(host)).toMatchObject({ idle: 0, claimed: 0 });
    expect(world.fake.callsOf('scrub')).toEqual([]);
  });

  it('checks who has it before anything else: an old claim cannot take it from its next holder', async () => {
    const world = sticky();
    const first = await world.claim(host);
    await world.pool.release(first);
    const second = await world.claim(host);
    expect(second.instance).toBe(first.instance);
    const running = await second.instance.channel.spawn(1, process);
    for (const options of [{}, { destroy: true }])
      await expect(world.pool.release(first, options)).rejects.toMatchObject({ code: 'conflict' });
    expect(second.instance.state).toBe('claimed');
    running.signal(15);
    expect(await running.exited).toEqual({ code: null, signal: 15 });
    await world.pool.release(second);
  });

  it('takes a second return for a conflict, also while the first is scrubbing', async () => {
    const world = sticky();
    const claim = await world.claim(host);
    world.fake.script('scrub', { delay: 10 });
    const released = world.pool.release(claim);
    await expect(world.pool.release(claim)).rejects.toMatchObject({ code: 'conflict' });
    await world.clock.advance(10);
    await released;
    expect(world.row(host)).toMatchObject({ idle: 1, claimed: 0 });
    await expect(world.pool.release(claim)).rejects.toMatchObject({ code: 'conflict' });
    expect(world.row(host)).toMatchObject({ idle: 1, claimed: 0 });
  });

  it('does not take a claim of another pool', async () => {
    const [world, other] = [sticky(), sticky()];
    const claim = await other.claim(host);
    await expect(world.pool.release(claim)).rejects.toMatchObject({ code: 'conflict' });
    expect(claim.instance.state).toBe('claimed');
    expect(world.row(host)).toMatchObject({ idle: 0, claimed: 0 });
  });

  it('counts as claimed, and holds its room, while it is scrubbed', async () => {
    const world = sticky({ capacity: { max: 1 } });
    const claim = await world.claim(host);
    world.fake.script('scrub', { delay: 10 });
    void world.pool.release(claim);
    await settle();
    expect(world.row(host)).toMatchObject({ claimed: 1, idle: 0 });
    expect(world.pool.totals).toMatchObject({ claimed: 1 });
    await world.clock.advance(10);
  });

  it('takes back what an earlier core had claimed', async () => {
    const world = sticky();
    const survivor = await bootInstance(
      world.fake.driver,
      world.fake.openChannel,
      { id: newInstanceId(), shape: host, root: { overlays: [] } },
      { clock: world.clock },
    );
    await survivor.claim();
    const claim = world.pool.adopt(survivor)!;
    expect(world.row(host)).toMatchObject({ claimed: 1 });
    await world.pool.release(claim);
    expect(world.row(host)).toMatchObject({ claimed: 0, idle: 1 });
    expect((await world.claim(host)).instance).toBe(survivor);
  });

  it('does not take what an earlier core left idle for new when instances are no longer used again', async () => {
    const world = sticky();
    const survivor = await bootInstance(
      world.fake.driver,
      world.fake.openChannel,
      { id: newInstanceId(), shape: host, root: { overlays: [] } },
      { clock: world.clock },
    );
    world.pool.adopt(survivor);
    await world.warm([host, 1]);
    expect(world.row(host)).toMatchObject({ idle: 1 });
    world.configure({ reuse: 'one-shot' });
    await settle();
    expect((await world.claim(host)).instance).not.toBe(survivor);
    expect(survivor.state).toBe('dead');
  });

  it.each<[string, (world: PoolWorld) => unknown]>([
    ['stopped', (world) => world.pool.stop()],
    ['drained', (world) => world.pool.drain()],
    ['closed', (world) => world.pool.close()],
    ['one-shot', (world) => world.configure({ reuse: 'one-shot' })],
  ])('destroys what is being scrubbed when the pool is %s meanwhile', async (_, change) => {
    const world = sticky();
    const claim = await world.claim(host);
    world.fake.script('scrub', { delay: 10 });
    const released = world.pool.release(claim);
    await settle();
    change(world);
    await world.clock.advance(10);
    await released;
    expect(world.fake.counts.live).toBe(0);
  });

  it('does not hand out a used one that was being checked when the pool became one-shot', async () => {
    const world = sticky();
    const first = await world.claim(host);
    await world.pool.release(first);
    world.fake.script('ping', { delay: 5 });
    const claim = world.claim(host);
    world.configure({ reuse: 'one-shot' });
    await world.clock.advance(5);
    const { instance } = await claim;
    expect(instance).not.toBe(first.instance);
    expect(first.instance.state).toBe('dead');
  });

  it('never hands out one that was used once the pool says one-shot', async () => {
    const world = sticky();
    await world.warm([host, 2]);
    const claim = await world.claim(host);
    await world.pool.release(claim);
    world.configure({ reuse: 'one-shot' });
    await settle();
    expect(world.lifeOf(claim.instance.id).at(-1)).toBe('destroyed it was used before');
    expect(world.row(host)).toMatchObject({ idle: 2 });
  });
});

it('one-shot destroys what is given back', async () => {
  const world = createPoolWorld({ capacity: { buffer_max: 8 } });
  const claim = await world.claim(host);
  await world.pool.release(claim);
  expect(world.row(host)).toMatchObject({ idle: 0, claimed: 0 });
  expect(world.lifeOf(claim.instance.id)).toEqual(['created', 'claimed', 'returned', 'destroyed released']);
});
