import { describe, expect, it } from 'vitest';
import { bootInstance } from '../../../src/core/instance/boot-instance.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { newInstanceId } from '../../../src/core/model/ids.ts';
import { createPoolWorld, type PoolWorld, settle, shapeOf } from '../../helpers/pool/pool-world.ts';

const host = shapeOf('host');
const warming = (changes: object = {}): PoolWorld =>
  createPoolWorld({ warmup: ['make', 'ready'], ...changes });
const process = { argv: ['x'], env: {}, cwd: '', user: '', tty: false, stdin: false };

describe('the warm-up command', () => {
  it('runs in each instance before it counts as idle', async () => {
    const world = warming();
    world.fake.always('run', { delay: 40, exit: { code: 0 } });
    await world.warm([host, 2]);
    await world.clock.advance(39);
    expect(world.row(host)).toMatchObject({ idle: 0, booting: 2 });
    expect(world.pool.instances()).toEqual([]);
    await world.clock.advance(1);
    expect(world.row(host)).toMatchObject({ idle: 2, booting: 0 });
    expect(world.fake.callsOf('run')).toHaveLength(2);
    expect(world.lifeOf(world.fake.instances[0]!)).toEqual(['created', 'idle']);
    expect(world.metered).toContain('booted 40');
  });

  it('runs before an instance is handed to one who waits, and leaves its process id free', async () => {
    const world = warming();
    world.fake.script('run', { delay: 40, exit: { code: 0 } });
    let served = false;
    const claim = world.claim(host).then((result) => {
      served = true;
      return result;
    });
    await world.clock.advance(39);
    expect(served).toBe(false);
    await world.clock.advance(1);
    const { instance } = await claim;
    await expect(instance.channel.spawn(1, process)).resolves.toBeDefined();
  });

  it('is the instance of nobody meanwhile, but held: the janitor must leave it alone', async () => {
    const world = warming();
    world.fake.always('run', { delay: 40, exit: { code: 0 } });
    await world.warm([host, 1]);
    expect(world.pool.holds(world.fake.instances[0]!)).toBe(true);
    await world.clock.advance(40);
  });

  it.each([
    [
      'a code',
      { code: 3, stderr: 'no such target\n' },
      'the warm-up command make ended with 3: no such target',
    ],
    ['a signal', { signal: 11 }, 'the warm-up command make was ended by SIGSEGV'],
  ])('that ends with %s is a failed boot, with the true reason', async (_, exit, cause) => {
    const world = warming();
    world.fake.script('run', { exit });
    world.fake.always('run', { exit: { code: 0 } });
    await world.warm([host, 1]);
    const [event] = world.events.filter(({ type }) => type === 'boot-failed');
    expect(event).toMatchObject({ cause, instance: expect.stringMatching(/^i/) });
    expect(world.lifeOf((event as { instance: string }).instance)).toEqual([
      ...['created', `boot-failed ${cause}`, `destroyed ${cause}`],
    ]);
    expect(world.row(host)).toMatchObject({ idle: 1 });
    expect(world.fake.counts.live).toBe(1);
    expect(world.metered).toContain('boot failed run_failed');
  });

  it('opens the breaker like any failed boot', async () => {
    const world = warming();
    world.fake.always('run', { exit: { code: 1, stderr: `${'x'.repeat(5000)}the end` } });
    await expect(world.claim(host)).rejects.toMatchObject({
      code: 'run_failed',
      message: expect.stringMatching(
        /^cannot boot host: the warm-up command make ended with 1: x{505}the end /,
      ),
    });
    await settle();
    expect(world.fake.callsOf('boot')).toHaveLength(3);
    expect(world.fake.counts.live).toBe(0);
  });

  it('that takes longer than boot_timeout, boot included, is given up', async () => {
    const world = warming({ boot_timeout: '2s' });
    world.fake.script('boot', { delay: 1500 });
    world.fake.script('run', {}, { exit: { code: 0 } });
    const claim = world.claim(host);
    await world.clock.advance(1999);
    expect(world.row(host)).toMatchObject({ booting: 1 });
    await world.clock.advance(1);
    await expect(claim).resolves.toMatchObject({ hit: false });
    expect(world.events).toContainEqual(
      expect.objectContaining({
        type: 'boot-failed',
        cause: 'the boot took longer than 2s; the warm-up command make was still running',
      }),
    );
    expect(world.fake.counts.live).toBe(1);
    expect(world.metered).toContain('boot failed timeout');
  });

  it('that cannot be started is a failed boot', async () => {
    const world = warming();
    const fail = new FsbError('command_not_found', 'make: not found');
    world.fake.always('spawn', { fail });
    await expect(world.claim(host)).rejects.toMatchObject({
      code: 'run_failed',
      message: expect.stringContaining('make: not found'),
    });
    await settle();
    expect(world.metered).toContain('boot failed command_not_found');
    expect(world.fake.counts.live).toBe(0);
  });

  it('ends with its instance when that dies, and is a failed boot', async () => {
    const world = warming();
    await world.warm([host, 1]);
    world.fake.always('run', { exit: { code: 0 } });
    world.fake.killInstance(world.fake.instances[0]!);
    await settle();
    expect(world.events).toContainEqual(
      expect.objectContaining({ type: 'boot-failed', cause: expect.stringContaining('killed') }),
    );
    expect(world.row(host)).toMatchObject({ idle: 1 });
    expect(world.fake.counts.live).toBe(1);
  });

  it('is given up with a claim that goes away, and leaves nothing', async () => {
    const world = warming();
    const abort = new AbortController();
    const claim = world.claim(host, { signal: abort.signal });
    await settle();
    expect(world.fake.counts.live).toBe(1);
    abort.abort();
    await expect(claim).rejects.toMatchObject({ code: 'cancelled' });
    await settle();
    expect(world.fake.counts.live).toBe(0);
    expect(world.row(host)).toMatchObject({ booting: 0, stopping: 0 });
    expect(world.row(host).breaker).toBeUndefined();
  });

  it('runs once in an instance, also when it is used again', async () => {
    const world = warming({ reuse: 'sticky', capacity: { buffer_max: 4 } });
    world.fake.always('run', { exit: { code: 0 } });
    const claim = await world.claim(host);
    await world.pool.release(claim);
    expect((await world.claim(host)).instance).toBe(claim.instance);
    expect(world.fake.callsOf('run')).toHaveLength(1);
  });
});

describe('an instance in which the command did not run', () => {
  const survivor = (world: PoolWorld) =>
    bootInstance(
      world.fake.driver,
      world.fake.openChannel,
      { id: newInstanceId(), shape: host, root: { overlays: [] } },
      { clock: world.clock },
    );

  it('is not kept when it is left by an earlier core', async () => {
    const world = warming({ warm: [{ image: 'host', count: 1 }] });
    const instance = await survivor(world);
    expect(world.pool.adopt(instance)).toBeUndefined();
    await settle();
    expect(instance.state).toBe('dead');
    expect(world.fake.counts.live).toBe(0);
  });

  it('stays with who has it, and is destroyed after that', async () => {
    const world = warming({ reuse: 'sticky', capacity: { buffer_max: 4 } });
    const instance = await survivor(world);
    await instance.claim();
    const claim = world.pool.adopt(instance)!;
    await settle();
    expect(instance.state).toBe('claimed');
    await world.pool.release(claim);
    expect(instance.state).toBe('dead');
  });

  it('is replaced when the command changes; what boots boots anew', async () => {
    const world = createPoolWorld();
    await world.warm([host, 2]);
    const old = [...world.fake.instances];
    world.fake.always('boot', { delay: 40 });
    world.fake.always('run', { exit: { code: 0 } });
    await world.warm([host, 3]);
    world.configure({ warmup: ['make', 'ready'] });
    await world.clock.advance(100);
    expect(world.row(host)).toMatchObject({ idle: 3, booting: 0 });
    for (const id of old) expect(world.fake.instances).not.toContain(id);
    expect(world.fake.callsOf('run')).toHaveLength(3);
  });

  it('is kept when there is no command any more', async () => {
    const world = warming();
    world.fake.always('run', { exit: { code: 0 } });
    await world.warm([host, 2]);
    const kept = [...world.fake.instances];
    world.configure({ warmup: [] });
    await settle();
    expect(world.fake.instances).toEqual(kept);
  });
});
