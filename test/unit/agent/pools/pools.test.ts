import { describe, expect, it } from 'vitest';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { PoolPolicyInput } from '../../../../src/core/model/pool/pool-policy.ts';
import { createNodeWorld, openNodeWorld, settle } from '../../../helpers/core/node-world.ts';

const errorOf = (call: Promise<unknown>): Promise<FsbError> =>
  call.then(
    () => {
      throw new Error('it did not fail');
    },
    (error) => error as FsbError,
  );

const two: PoolPolicyInput = {
  name: 'two',
  warm: [{ image: 'host', count: 1 }],
  capacity: { max: 3, buffer_min: 0, buffer_max: 0 },
  resources: { memory: '256m' },
};

describe('the pools of a node', () => {
  it('have a default pool from the start, warm, with its instances', async () => {
    const { admin, clock } = await openNodeWorld();
    expect(await admin.list()).toMatchObject([
      { name: 'default-pool', state: 'active', createdAt: clock.now(), idle: 2, claimed: 0 },
    ]);
    const { shapes, instances } = await admin.get('default-pool');
    expect(shapes).toMatchObject([{ pool: 'default-pool', image: 'host', warm: 2, idle: 2 }]);
    expect(instances).toHaveLength(2);
    for (const instance of instances) {
      expect(instance).toMatchObject({ state: 'idle', pid: expect.any(Number), shape: shapes[0]!.shape });
      expect(instance).not.toHaveProperty('holder');
    }
  });

  it('are made, listed by name, and put on record', async () => {
    const { admin, tables } = await openNodeWorld();
    expect(await admin.create({ ...two, name: 'another' })).toMatchObject({
      name: 'another',
      state: 'active',
    });
    await admin.create(two);
    await settle();
    expect((await admin.list()).map(({ name, idle }) => [name, idle])).toEqual([
      ['another', 1],
      ['default-pool', 2],
      ['two', 1],
    ]);
    expect(tables.pools.get('two')).toMatchObject({ said: two, state: 'active' });
    expect((await admin.status('two')).map(({ pool }) => pool)).toEqual(['two']);
    expect(await admin.status()).toHaveLength(3);
  });

  it.each([
    [{ ...two, name: 'default-pool' }, 'already_exists'],
    [{ ...two, name: 'No Name' }, 'invalid_argument'],
    [{ ...two, sice: 3 } as PoolPolicyInput, 'invalid_argument'],
    [{ ...two, warm: [{ image: 'gone' }] }, 'not_found'],
    [{ ...two, runtime: 'runsc' }, 'invalid_argument'],
  ])('are not made of %j', async (said, code) => {
    const { admin, tables } = await openNodeWorld();
    expect((await errorOf(admin.create(said))).code).toBe(code);
    expect(await admin.list()).toHaveLength(1);
    expect(tables.pools.get('two')).toBeUndefined();
  });

  it('of one name are made once, however many ask at once', async () => {
    const { admin } = await openNodeWorld();
    const made = await Promise.allSettled([admin.create(two), admin.create(two), admin.create(two)]);
    expect(made.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  });

  it('that do not exist are named, with the one that was meant', async () => {
    const { admin } = await openNodeWorld();
    for (const call of [
      () => admin.get('defaul-pool'),
      () => admin.update('defaul-pool', {}),
      () => admin.delete('defaul-pool'),
      () => admin.stop('defaul-pool'),
      () => admin.drain('defaul-pool'),
      () => admin.status('defaul-pool'),
    ])
      expect(await errorOf(call())).toMatchObject({ code: 'not_found', hint: 'Did you mean default-pool?' });
  });

  it('tell what happens in them, in order, under their names', async () => {
    const { admin, events } = await openNodeWorld();
    await admin.create(two);
    await settle();
    const seen: string[] = [];
    for await (const { pool, event } of events.read({ after: 0 })) {
      seen.push(`${pool} ${event.type}`);
      if (seen.at(-1) === 'two idle') break;
    }
    expect(seen.filter((line) => line.startsWith('two'))).toEqual(['two refill', 'two created', 'two idle']);
    expect(seen.filter((line) => line === 'default-pool idle')).toHaveLength(2);
  });
});

describe('a change of a pool', () => {
  it('is merged key by key, on record, and takes effect', async () => {
    const { admin, tables } = await openNodeWorld();
    await admin.create(two);
    const info = await admin.update('two', { policy: { capacity: { max: 5 }, ttl: '1m' } });
    expect(info.policy).toMatchObject({ capacity: { max: 5, bufferMax: 0 }, ttl: 60_000 });
    expect(tables.pools.get('two')!.said).toMatchObject({ capacity: { max: 5, buffer_max: 0 }, ttl: '1m' });
    await admin.update('two', { policy: { warm: [{ image: 'host', count: 3 }] } });
    await settle();
    expect(await admin.get('two')).toMatchObject({ idle: 3 });
  });

  it.each([
    [{ policy: { ttl: '2m', warm: [{ image: 'gone' }] } }, 'not_found'],
    [{ policy: { ttl: '2m', capacity: { max: 0 } } }, 'invalid_argument'],
    [{ policy: { ttl: '2m', name: 'three' } }, 'invalid_argument'],
    [{ policy: { ttl: '2m', runtime: 'crun' } }, 'invalid_argument'],
    [{ policy: { ttl: '2m' }, pressure: 2 }, 'invalid_argument'],
    [{ policy: { ttl: '2m' }, pressure: Number.NaN }, 'invalid_argument'],
  ])('like %j changes nothing at all', async (change, code) => {
    const { admin, tables } = await openNodeWorld();
    await admin.create(two);
    const [before, recorded] = [(await admin.get('two')).policy, tables.pools.get('two')];
    expect((await errorOf(admin.update('two', change))).code).toBe(code);
    expect((await admin.get('two')).policy).toEqual(before);
    expect(tables.pools.get('two')).toEqual(recorded);
  });

  it('takes no effect before it is on record', async () => {
    const { admin, tables } = await openNodeWorld();
    await admin.create(two);
    const { put } = tables.pools;
    tables.pools.put = async () => {
      throw new FsbError('no_capacity', 'the disk is full');
    };
    expect((await errorOf(admin.update('two', { policy: { ttl: '2m' } }))).code).toBe('no_capacity');
    expect((await errorOf(admin.stop('two'))).code).toBe('no_capacity');
    expect((await errorOf(admin.drain('two'))).code).toBe('no_capacity');
    expect((await errorOf(admin.create({ ...two, name: 'three' }))).code).toBe('no_capacity');
    tables.pools.put = put;
    expect(await admin.get('two')).toMatchObject({ state: 'active', policy: { ttl: 300_000 }, idle: 1 });
    expect(await admin.list()).toHaveLength(2);
  });

  it('is not written when it says nothing that a later core should know', async () => {
    const { admin, tables } = await openNodeWorld();
    await admin.create(two);
    const { put } = tables.pools;
    let written = 0;
    tables.pools.put = async (name, record) => {
      written += 1;
      await put(name, record);
    };
    await admin.update('two', { pressure: 0.5 });
    await admin.update('two', { reset: true });
    expect(written).toBe(0);
    await admin.update('two', { pressure: 0.5, start: true });
    await admin.update('two', { pressure: 0.5, policy: { ttl: '2m' } });
    expect(written).toBe(2);
  });

  it('waits its turn, so that two of them do not lose each other', async () => {
    const { admin, tables } = await openNodeWorld();
    await Promise.all([
      admin.update('default-pool', { policy: { ttl: '2m' } }),
      admin.update('default-pool', { policy: { max_age: '1h' } }),
    ]);
    expect(tables.pools.get('default-pool')!.said).toMatchObject({ ttl: '2m', max_age: '1h' });
  });
});

describe('a pool that is stopped, drained, started', () => {
  it('keeps nothing warm until it is started again', async () => {
    const { admin, tables, pools } = await openNodeWorld();
    expect(await admin.stop('default-pool')).toMatchObject({ state: 'stopped', idle: 0 });
    expect(tables.pools.get('default-pool')!.state).toBe('stopped');
    await admin.stop('default-pool');
    await pools.require('default-pool').warm.refresh();
    await settle();
    expect((await admin.get('default-pool')).instances).toEqual([]);
    expect(await admin.update('default-pool', { start: true })).toMatchObject({ state: 'active' });
    await settle();
    expect(await admin.get('default-pool')).toMatchObject({ idle: 2 });
    expect(tables.pools.get('default-pool')!.state).toBe('active');
  });

  it('names, when its time is up, what is still claimed, and can then end it by force', async () => {
    const { admin, leases, clock } = await openNodeWorld();
    const lease = await leases.lease({ pool: 'default-pool' });
    const waiting = errorOf(admin.drain('default-pool', { timeout: 5_000 }));
    await clock.advance(5_000);
    expect(await waiting).toMatchObject({
      code: 'timeout',
      message: expect.stringContaining('1 claimed'),
      hint: expect.stringContaining('--force'),
    });
    expect(await admin.get('default-pool')).toMatchObject({ state: 'drained', claimed: 1, idle: 0 });
    expect((await errorOf(leases.lease({ pool: 'default-pool' }))).code).toBe('conflict');
    const forced = admin.drain('default-pool', { timeout: 1_000, force: true });
    await clock.advance(1_000);
    expect(await forced).toMatchObject({ state: 'drained', claimed: 0, stopping: 0 });
    expect((await errorOf(leases.exec(lease.id, {} as never))).code).toBe('not_found');
  });

  it('drains when the last claim is given back', async () => {
    const { admin, leases } = await openNodeWorld();
    const { id } = await leases.lease({ pool: 'default-pool' });
    const draining = admin.drain('default-pool');
    await settle();
    await leases.release(id);
    expect(await draining).toMatchObject({ state: 'drained', claimed: 0 });
  });

  it('lets a caller leave who waits for its end', async () => {
    const { admin, leases } = await openNodeWorld();
    await leases.lease({ pool: 'default-pool' });
    const leaving = new AbortController();
    const waiting = errorOf(admin.drain('default-pool', { signal: leaving.signal }));
    await settle();
    leaving.abort();
    expect((await waiting).code).toBe('cancelled');
  });
});

describe('deleting a pool', () => {
  it('leaves nothing of it, and frees its name', async () => {
    const { admin, tables, fake } = await openNodeWorld();
    await admin.create(two);
    await settle();
    await admin.delete('two');
    expect(tables.pools.get('two')).toBeUndefined();
    expect(fake.instances).toHaveLength(2);
    expect((await errorOf(admin.get('two'))).code).toBe('not_found');
    expect(await admin.create(two)).toMatchObject({ name: 'two' });
  });

  it('is refused for the default one, and says what to do instead', async () => {
    const { admin } = await openNodeWorld();
    expect(await errorOf(admin.delete('default-pool', { force: true }))).toMatchObject({
      code: 'conflict',
      hint: expect.stringContaining('pool stop'),
    });
  });

  it.each(['active', 'stopped', 'drained'] as const)(
    'that were %s are so again when their record cannot be removed',
    async (state) => {
      const { admin, tables } = await openNodeWorld();
      await admin.create(two);
      if (state === 'stopped') await admin.stop('two');
      if (state === 'drained') await admin.drain('two');
      tables.pools.remove = async () => {
        throw new FsbError('internal', 'the disk is full');
      };
      expect(await errorOf(admin.delete('two'))).toMatchObject({ message: 'the disk is full' });
      expect(await admin.get('two')).toMatchObject({ state });
    },
  );

  it('that cannot be emptied in time leaves it drained, on record as well, and can be tried again', async () => {
    const { admin, leases, tables, fake, clock } = await openNodeWorld();
    await admin.create(two);
    await leases.lease({ pool: 'two' });
    let destroyed = (): void => {};
    fake.script('destroy', { until: new Promise<void>((resolve) => (destroyed = resolve)) });
    const deleting = errorOf(admin.delete('two', { force: true }));
    await clock.advance(30_000);
    expect(await deleting).toMatchObject({ code: 'timeout', message: expect.stringContaining('1 stopping') });
    expect(await admin.get('two')).toMatchObject({ state: 'drained', claimed: 0 });
    expect(tables.pools.get('two')).toMatchObject({ said: two, state: 'drained' });
    const { admin: later } = await openNodeWorld({}, tables);
    expect(await later.get('two')).toMatchObject({ state: 'drained' });
    destroyed();
    await settle();
    await admin.delete('two');
    expect(tables.pools.get('two')).toBeUndefined();
    expect((await errorOf(admin.get('two'))).code).toBe('not_found');
  });

  it('is refused while something is claimed, without force', async () => {
    const { admin, leases, tables } = await openNodeWorld();
    await admin.create(two);
    const { id } = await leases.lease({ pool: 'two' });
    expect(await errorOf(admin.delete('two'))).toMatchObject({ code: 'conflict' });
    expect(tables.pools.get('two')).toBeDefined();
    expect(leases.list()).toHaveLength(1);
    await admin.delete('two', { force: true });
    expect(leases.list()).toEqual([]);
    expect((await errorOf(leases.release(id))).code).toBe('not_found');
    expect(tables.pools.get('two')).toBeUndefined();
  });
});

describe('a core that comes back', () => {
  it('has the same pools in the same states', async () => {
    const { admin, tables } = await openNodeWorld();
    await admin.create(two);
    await admin.update('default-pool', { policy: { capacity: { max: 5 } } });
    await admin.drain('two');
    const later = await openNodeWorld({}, tables);
    expect(await later.admin.list()).toMatchObject([
      { name: 'default-pool', state: 'active', policy: { capacity: { max: 5 } }, idle: 2 },
      { name: 'two', state: 'drained', policy: { resources: { memory: 256 * 1024 ** 2 } }, idle: 0 },
    ]);
  });

  it.each(['stopped', 'drained'] as const)('begins no boot in a pool that is %s', async (state) => {
    const { admin, tables } = await openNodeWorld();
    await admin.create(two);
    if (state === 'stopped') await admin.stop('two');
    else await admin.drain('two');
    const later = await openNodeWorld({}, tables);
    const seen: string[] = [];
    for await (const { pool, event } of later.events.read({ after: 0 })) {
      seen.push(`${pool} ${event.type}`);
      if (event.type === 'idle' && (await later.admin.get('default-pool')).idle === 2) break;
    }
    expect(seen.filter((line) => /^two (refill|created|destroyed|boot-failed)$/.test(line))).toEqual([]);
    expect(await later.admin.get('two')).toMatchObject({ state, booting: 0, stopping: 0 });
  });

  it('keeps what an earlier one was started with, and adds what this one is', async () => {
    const { tables } = await openNodeWorld({ capacity: { max: 5 } });
    await openNodeWorld({ ttl: '1m' }, tables);
    const { admin } = await openNodeWorld({}, tables);
    expect((await admin.get('default-pool')).policy).toMatchObject({ ttl: 60_000, capacity: { max: 5 } });
  });

  it('tells which images its default pool no longer keeps warm', async () => {
    const python = { image: 'python:3', count: 2 };
    const open = async (said: Partial<PoolPolicyInput>, earlier?: typeof tables): Promise<string[]> => {
      const world = await createNodeWorld(said, earlier);
      world.images.name('python:3', 'sha256:python');
      return world.pools.open(said);
    };
    const { tables, ...first } = await createNodeWorld();
    expect(await first.pools.open({})).toEqual([]);
    expect(await open({ warm: [python, { image: 'host' }] }, tables)).toEqual([]);
    expect(await open({ ttl: '1m' }, tables)).toEqual([]);
    expect(await open({ warm: [{ image: 'host', count: 4 }] }, tables)).toEqual(['python:3=2']);
    expect(await open({ warm: [python] }, tables)).toEqual(['host=4']);
  });

  it('does not start with images that are not here when they are asked for now, and keeps its records', async () => {
    const { tables, admin } = await openNodeWorld({ capacity: { max: 5 } });
    await admin.stop('default-pool');
    const before = tables.pools.get('default-pool');
    const wrong = await createNodeWorld({ warm: [{ image: 'gone' }] }, tables);
    expect((await errorOf(wrong.open())).code).toBe('not_found');
    const invalid = await createNodeWorld({ capacity: { max: 1 } }, tables);
    expect((await errorOf(invalid.open())).code).toBe('invalid_argument');
    expect(tables.pools.get('default-pool')).toEqual(before);
  });

  it('warms a stopped default pool when it is started with images to keep warm', async () => {
    const { tables, admin } = await openNodeWorld();
    await admin.stop('default-pool');
    const later = await openNodeWorld({ warm: [{ image: 'host', count: 1 }] }, tables);
    expect(await later.admin.get('default-pool')).toMatchObject({ state: 'active', idle: 1 });
  });

  it('starts without an image of a stored pool, says so, and warms it when it comes', async () => {
    const first = await createNodeWorld();
    first.images.name('python', 'sha256:python');
    await first.open();
    await first.admin.create({
      ...two,
      warm: [
        { image: 'python', count: 2 },
        { image: 'host', count: 1 },
      ],
    });
    const { admin, images } = await openNodeWorld({}, first.tables);
    expect(await admin.status('two')).toMatchObject([
      { image: 'host', idle: 1 },
      { image: 'python', shape: '', warm: 2, idle: 0, breaker: 'image python is not here' },
    ]);
    images.name('python', 'sha256:python');
    await settle();
    expect(await admin.status('two')).toMatchObject([
      { image: 'host', idle: 1 },
      { image: 'python', idle: 2, warm: 2 },
    ]);
  });

  it('starts with a stored policy that is not valid here, and says so', async () => {
    const { tables } = await openNodeWorld();
    const said = { name: 'large', warm: [{ image: 'host', count: 3 }], capacity: { max: 2 } };
    await tables.pools.put('large', { said, state: 'active', createdAt: 1 });
    const { admin } = await openNodeWorld({}, tables);
    expect(await admin.status('large')).toMatchObject([
      { shape: '', breaker: expect.stringContaining('its stored policy is not used') },
    ]);
    expect(tables.pools.get('large')!.said).toEqual(said);
    await admin.update('large', { policy: { capacity: { max: 3 } } });
    await settle();
    expect(await admin.status('large')).toMatchObject([{ image: 'host', idle: 3 }]);
  });
});

describe('the images of pools', () => {
  it('are let go of by all pools, or by none', async () => {
    const { admin, images, pools, leases } = await openNodeWorld();
    images.name('python', 'sha256:python');
    await admin.create({ ...two, warm: [{ image: 'python', count: 1 }] });
    const lease = await leases.lease({ pool: 'default-pool', image: 'python' });
    await leases.release(lease.id);
    await settle();
    const row = async () => (await admin.status('default-pool')).find(({ image }) => image === 'python');
    expect(await row()).toMatchObject({ idle: 1 });
    expect((await errorOf(pools.dropIdle('sha256:python'))).code).toBe('conflict');
    expect(await row()).toMatchObject({ idle: 1 });
    await admin.update('two', { policy: { warm: [] } });
    await pools.dropIdle('sha256:python');
    expect((await row())?.idle ?? 0).toBe(0);
    expect((await admin.get('two')).instances).toEqual([]);
  });

  it('under two names are one shape when they are one image', async () => {
    const { admin, images } = await openNodeWorld();
    for (const tag of ['python:3', 'python:latest']) images.name(tag, 'sha256:python');
    await admin.create({
      ...two,
      warm: [
        { image: 'python:3', count: 1 },
        { image: 'python:latest', count: 2 },
      ],
    });
    await settle();
    expect(await admin.status('two')).toMatchObject([{ warm: 3, idle: 3 }]);
  });
});
