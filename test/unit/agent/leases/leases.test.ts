import { describe, expect, it } from 'vitest';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { command, type NodeWorld, openNodeWorld, settle } from '../../../helpers/core/node-world.ts';

const HOUR = 3_600_000;
const errorOf = (call: Promise<unknown>): Promise<FsbError> =>
  call.then(
    () => {
      throw new Error('it did not fail');
    },
    (error) => FsbError.from(error),
  );
const useOf = ({ ledger }: NodeWorld, instance: string) => ledger.get(instance)?.use;

describe('a lease', () => {
  it('is an instance of the pool, as the pool has them, for as long as its owner wants', async () => {
    const world = await openNodeWorld({ resources: { memory: '100m' } });
    const { leases, admin, clock } = world;
    const lease = await leases.lease({ pool: 'default-pool' });
    expect(lease).toEqual({
      ...{ id: expect.stringMatching(/^l[0-9a-f]{16}$/), pool: 'default-pool', image: 'host', warm: true },
      ...{ instance: expect.stringMatching(/^i/), createdAt: clock.now(), ttl: HOUR, running: 0 },
    });
    const { instances } = await admin.get('default-pool');
    expect(instances.find(({ id }) => id === lease.instance)).toMatchObject({
      state: 'claimed',
      holder: `lease ${lease.id}`,
    });
    expect(leases.list()).toEqual([lease]);
    await leases.release(lease.id);
    expect(leases.list()).toEqual([]);
    expect(world.fake.instances).not.toContain(lease.instance);
    expect(useOf(world, lease.instance)).toBeUndefined();
  });

  it('takes the image and resources that it asks for', async () => {
    const { leases, images } = await openNodeWorld();
    images.name('python', 'sha256:python');
    const lease = await leases.lease({ pool: 'default-pool', image: 'python', resources: { cpus: 2 } });
    expect(lease).toMatchObject({ image: 'python', warm: false });
  });

  it.each([
    [{ pool: 'nosuch' }, 'not_found'],
    [{ pool: 'default-pool', image: 'gone' }, 'not_found'],
    [{ pool: 'default-pool', ttl: -1 }, 'invalid_argument'],
    [{ pool: 'default-pool', wait: Number.NaN }, 'invalid_argument'],
    [{ pool: 'default-pool', resources: { cpus: 2.01 } }, 'invalid_argument'],
    [{ pool: 'default-pool', resources: { cpus: 0.009 } }, 'invalid_argument'],
    [{ pool: 'default-pool', mounts: [{ source: '/proc', target: '/x' }] }, 'invalid_argument'],
  ])('is refused to %j before anything is claimed', async (request, code) => {
    const { leases, admin } = await openNodeWorld();
    expect((await errorOf(leases.lease(request))).code).toBe(code);
    expect(await admin.get('default-pool')).toMatchObject({ claimed: 0, idle: 2 });
  });

  it('is on record before its owner knows of it, with what its commands start from', async () => {
    const world = await openNodeWorld();
    const lease = await world.leases.lease({ pool: 'default-pool' });
    expect(useOf(world, lease.instance)).toMatchObject({
      by: 'lease',
      lease: { id: lease.id, ttl: HOUR, surroundings: { env: { FROM: 'image' }, cwd: '/work', user: 'me' } },
    });
  });

  it('that cannot be put on record is none, and leaves nothing', async () => {
    const { leases, tables, admin, fake } = await openNodeWorld();
    const { put } = tables.instances;
    tables.instances.put = async () => {
      throw new FsbError('no_capacity', 'the disk is full');
    };
    expect((await errorOf(leases.lease({ pool: 'default-pool' }))).code).toBe('no_capacity');
    tables.instances.put = put;
    await settle();
    expect(leases.list()).toEqual([]);
    expect(await admin.get('default-pool')).toMatchObject({ claimed: 0 });
    for (const id of fake.instances) expect(tables.instances.get(id)).not.toHaveProperty('use');
  });

  it('whose caller left meanwhile is given back', async () => {
    const { leases, admin } = await openNodeWorld();
    const leaving = new AbortController();
    const asking = errorOf(leases.lease({ pool: 'default-pool' }, { signal: leaving.signal }));
    leaving.abort();
    expect((await asking).code).toBe('cancelled');
    await settle();
    expect(await admin.get('default-pool')).toMatchObject({ claimed: 0 });
    expect(leases.list()).toEqual([]);
  });

  it('whose caller leaves while it is put on record leaves nothing', async () => {
    const world = await openNodeWorld();
    const { leases, admin, tables, fake } = world;
    const leaving = new AbortController();
    const { put } = tables.instances;
    tables.instances.put = async (id, record) => {
      await put(id, record);
      if (record.use?.by === 'lease') leaving.abort();
    };
    expect((await errorOf(leases.lease({ pool: 'default-pool' }, { signal: leaving.signal }))).code).toBe(
      'cancelled',
    );
    await settle();
    expect(await admin.get('default-pool')).toMatchObject({ claimed: 0, stopping: 0 });
    expect(leases.list()).toEqual([]);
    for (const id of fake.instances) expect(useOf(world, id)).toBeUndefined();
  });
});

it.each([HOUR, -HOUR])('a lease has its ttl, though the wall clock jumps by %d ms', async (jump) => {
  const { leases, clock } = await openNodeWorld();
  const { id } = await leases.lease({ pool: 'default-pool', ttl: 60_000 });
  await clock.advance(20_000);
  clock.jump(jump);
  const session = await leases.exec(id, command('a'));
  session.signal(9);
  await session.exited;
  await settle();
  // Its last command began the time anew.
  await clock.advance(59_999);
  expect(leases.list()).toHaveLength(1);
  await clock.advance(1);
  expect(leases.list()).toEqual([]);
});

describe('commands in a lease', () => {
  it('are counted while they run, also when their callers let go', async () => {
    const { leases } = await openNodeWorld();
    const { id } = await leases.lease({ pool: 'default-pool' });
    const running = () => leases.list()[0]!.running;
    const [one, two] = [await leases.exec(id, command('a')), await leases.exec(id, command('b'))];
    expect(running()).toBe(2);
    await one.close();
    expect(running()).toBe(2);
    two.signal(15);
    await two.exited;
    await settle();
    expect(running()).toBe(1);
    await leases.kill(id);
    await settle();
    expect(running()).toBe(0);
    expect(await one.exited).toEqual({ code: null, signal: 9 });
    expect(leases.list()).toHaveLength(1);
  });

  it('that cannot be started count for nothing', async () => {
    const { leases } = await openNodeWorld();
    const { id } = await leases.lease({ pool: 'default-pool' });
    const aborted = AbortSignal.abort();
    await leases.exec(id, command('a'), { signal: aborted }).then(
      (session) => session.signal(9),
      () => {},
    );
    await settle();
    expect(leases.list()[0]!.running).toBe(0);
  });

  it('are refused once it is released, with a reason', async () => {
    const { leases, fake } = await openNodeWorld();
    const { id } = await leases.lease({ pool: 'default-pool' });
    let destroyed = (): void => {};
    fake.script('destroy', { until: new Promise<void>((resolve) => (destroyed = resolve)) });
    const releasing = leases.release(id);
    for (const call of [leases.exec(id, command('a')), leases.kill(id), leases.release(id)])
      expect(await errorOf(call)).toMatchObject({
        code: 'not_found',
        message: `lease ${id} does not exist`,
        hint: expect.stringContaining('reclaimed'),
      });
    expect(leases.list()).toEqual([]);
    destroyed();
    await releasing;
  });
});

describe('a command in a lease that is released', () => {
  it('ends as one whose end nobody will know', async () => {
    const { leases } = await openNodeWorld();
    const { id } = await leases.lease({ pool: 'default-pool' });
    const session = await leases.exec(id, command('a'));
    const ending = errorOf(session.exited);
    await leases.release(id);
    expect(await ending).toMatchObject({
      code: 'run_failed',
      message: 'the instance was given back before the command had ended',
    });
  });
});

describe('a command that is killed', () => {
  it('is told to have run out of memory when the kernel killed for that while it ran', async () => {
    const { leases, fake } = await openNodeWorld();
    const { id } = await leases.lease({ pool: 'default-pool' });
    const killed = async () => {
      const session = await leases.exec(id, command('a'));
      session.signal(9);
      return session.exited;
    };
    const plain = { code: null, signal: 9 };
    expect(await killed()).toEqual(plain);
    fake.always('stats', { oomKills: 1 });
    const together = await Promise.all([killed(), killed()]);
    expect(together).toEqual([
      { ...plain, oomKilled: true },
      { ...plain, oomKilled: true },
    ]);
    expect(await killed()).toEqual(plain);
    fake.always('stats', { oomKills: 2 });
    fake.script('run', { exit: { code: 137 } });
    expect(await (await leases.exec(id, command('a'))).exited).toEqual({ code: 137, signal: null });
    expect(await killed()).toEqual(plain);
    fake.always('stats', { fail: 'the instance is gone' });
    expect(await killed()).toEqual(plain);
  });

  it('is not told so for what was killed in the instance before', async () => {
    const { leases, fake } = await openNodeWorld({
      ...{ reuse: 'sticky', warm: [], on_empty: 'boot' },
      capacity: { max: 1, buffer_min: 0, buffer_max: 1 },
    });
    const first = await leases.lease({ pool: 'default-pool' });
    fake.always('stats', { oomKills: 4, pids: 1 });
    await leases.release(first.id);
    const second = await leases.lease({ pool: 'default-pool' });
    expect(second.instance).toBe(first.instance);
    const session = await leases.exec(second.id, command('a'));
    session.signal(9);
    expect(await session.exited).toEqual({ code: null, signal: 9 });
  });

  it('costs no look at the instance when it ends by itself', async () => {
    const { leases, fake } = await openNodeWorld();
    const { id } = await leases.lease({ pool: 'default-pool' });
    fake.script('run', { exit: { code: 1 } });
    const { exited } = await leases.exec(id, command('a'));
    await exited;
    expect(fake.calls.filter(({ call }) => call === 'stats')).toEqual([]);
  });
});

describe('a lease that nobody uses', () => {
  it('is reclaimed after its ttl, and not before', async () => {
    const { leases, clock, admin } = await openNodeWorld();
    await leases.lease({ pool: 'default-pool', ttl: 10_000 });
    await clock.advance(9_999);
    expect(leases.list()).toHaveLength(1);
    await clock.advance(1);
    expect(leases.list()).toEqual([]);
    expect(await admin.get('default-pool')).toMatchObject({ claimed: 0 });
  });

  it('has its ttl from when its owner has it, however long its record took', async () => {
    const world = await openNodeWorld();
    const { leases, tables, clock } = world;
    const { put } = tables.instances;
    tables.instances.put = async (id, record) => {
      if (record.use?.by === 'lease') await clock.advance(60);
      await put(id, record);
    };
    const { id } = await leases.lease({ pool: 'default-pool', ttl: 50 });
    await clock.advance(49);
    expect(leases.list()).toMatchObject([{ id }]);
    await clock.advance(1);
    await settle();
    expect(leases.list()).toEqual([]);
  });

  it('is kept while a command runs in it, and for its ttl after that', async () => {
    const { leases, clock } = await openNodeWorld();
    const { id } = await leases.lease({ pool: 'default-pool', ttl: 10_000 });
    await clock.advance(9_000);
    const session = await leases.exec(id, command('long'));
    await clock.advance(HOUR);
    session.signal(9);
    await settle();
    await clock.advance(9_999);
    expect(leases.list()).toHaveLength(1);
    await clock.advance(1);
    expect(leases.list()).toEqual([]);
  });

  it('has the ttl of its pool when its owner says none, and lives for ever with 0', async () => {
    const { leases, clock } = await openNodeWorld({ lease_ttl: '5s' });
    await leases.lease({ pool: 'default-pool' });
    const kept = await leases.lease({ pool: 'default-pool', ttl: 0 });
    await clock.advance(5_000);
    expect(leases.list().map(({ id }) => id)).toEqual([kept.id]);
    await clock.advance(1_000 * HOUR);
    expect(leases.list()).toHaveLength(1);
  });

  it('of many is reclaimed by one timer, each in its time', async () => {
    const { leases, clock } = await openNodeWorld({
      capacity: { max: 20, buffer_min: 0, buffer_max: 0 },
      warm: [],
      ttl: 0,
      health: { interval: 0 },
    });
    const idle = clock.pending;
    for (let seconds = 1; seconds <= 5; seconds++)
      await leases.lease({ pool: 'default-pool', ttl: seconds * 1_000 });
    expect(clock.pending - idle).toBeLessThanOrEqual(2);
    for (let seconds = 1; seconds <= 5; seconds++) {
      await clock.advance(1_000);
      expect(leases.list()).toHaveLength(5 - seconds);
    }
  });
});

describe('a lease whose instance is lost', () => {
  it('is gone, its slot is free, and its commands fail', async () => {
    const { leases, fake, admin } = await openNodeWorld();
    const { id, instance } = await leases.lease({ pool: 'default-pool' });
    const session = await leases.exec(id, command('a'));
    fake.killInstance(instance);
    expect((await errorOf(session.exited)).code).toBe('run_failed');
    await settle();
    expect(leases.list()).toEqual([]);
    expect(await admin.get('default-pool')).toMatchObject({ claimed: 0, stopping: 0 });
    expect(fake.instances).not.toContain(instance);
  });
});

describe('when the core stops', () => {
  it('leases are left for the next one', async () => {
    const world = await openNodeWorld();
    const { id, instance } = await world.leases.lease({ pool: 'default-pool', ttl: 1_000 });
    await world.leases.close();
    await world.clock.advance(10_000);
    expect(world.fake.instances).toContain(instance);
    expect(useOf(world, instance)).toMatchObject({ by: 'lease', lease: { id } });
    await world.leases.close();
  });

  it('those that are being made are not given out', async () => {
    const world = await openNodeWorld({ warm: [] });
    const asking = errorOf(world.leases.lease({ pool: 'default-pool' }));
    await world.leases.close();
    expect((await asking).code).toBe('unavailable');
    await settle();
    expect(await world.admin.get('default-pool')).toMatchObject({ claimed: 0 });
  });

  it('one that is being put on record is ended before the close ends', async () => {
    const world = await openNodeWorld();
    const { leases, tables, fake } = world;
    const before = [...fake.instances];
    const { put } = tables.instances;
    let recorded = (): void => {};
    const writing = new Promise<void>((resolve) => (recorded = resolve));
    tables.instances.put = async (id, record) => {
      if (record.use?.by === 'lease') await writing;
      await put(id, record);
    };
    const asking = errorOf(leases.lease({ pool: 'default-pool' }));
    await settle();
    let closed = false;
    const closing = leases.close().then(() => {
      closed = true;
    });
    await settle();
    expect(closed).toBe(false);
    recorded();
    await closing;
    expect(await asking).toMatchObject({ code: 'unavailable', message: 'the core is stopping' });
    expect(before.filter((id) => !fake.instances.includes(id))).toHaveLength(1);
    for (const id of fake.instances) expect(useOf(world, id)).toBeUndefined();
  });
});
