import { expect, it } from 'vitest';
import type { PoolPolicyInput } from '../../../src/core/model/pool/pool-policy.ts';
import { errorOf, type Workbench } from '../workbench.ts';

/** Pools as policies: made, changed, stopped, deleted. */
export function poolCases(bench: Workbench): void {
  it('has a default pool from the start', async () => {
    const { pools } = bench.core;
    expect(await pools.get('default-pool')).toMatchObject({ name: 'default-pool', state: 'active' });
    expect(await pools.status('default-pool')).not.toEqual([]);
  });

  it('makes a pool with every default filled in, and warms it', async () => {
    const { pools } = bench.core;
    const made = await bench.pool({
      warm: [{ image: 'host', count: 1 }],
      capacity: { max: 3, buffer_min: 0 },
      ...{ memory_budget: '1.5g', ttl: '1h30m', max_age: 90, warmup: [], runtime: 'auto' },
      health: { interval: '10s' },
      autoscale: { up: 0.45, window: '3m' },
      lease_ttl: 0,
    });
    expect(made).toMatchObject({ state: 'active', min: 0, waiting: 0, claimed: 0 });
    expect(Math.abs(made.createdAt - Date.now())).toBeLessThan(60_000);
    expect(made.policy).toMatchObject({
      name: made.name,
      warm: [{ image: 'host', count: 1 }],
      capacity: { min: 0, max: 3, bufferMin: 0, bufferMax: 4 },
      ...{ memoryBudget: 1.5 * 1024 ** 3, ttl: 5_400_000, maxAge: 90_000, onEmpty: 'boot' },
      queue: { length: 1024, timeout: 30_000 },
      ...{ reuse: 'one-shot', pauseIdle: false, warmup: [], runtime: 'auto' },
      health: { interval: 10_000, timeout: 500 },
      autoscale: { enabled: false, up: 0.45, down: 0.05, window: 180_000, cooldown: 60_000, maxStep: 4 },
      resources: { cpus: 1, memory: 64 * 1024 ** 2, pids: 256 },
      ...{ leaseTtl: 0, bootTimeout: 30_000 },
    });
    await bench.until(made.name, ({ idle }) => idle === 1);
    const { instances, shapes, ...info } = await pools.get(made.name);
    expect(info).toMatchObject({ name: made.name, policy: made.policy, idle: 1, booting: 0 });
    expect(info.memory).toBe(made.policy.resources.memory);
    expect(shapes).toEqual(await pools.status(made.name));
    expect(shapes).toMatchObject([{ pool: made.name, image: 'host', max: 3, warm: 1, idle: 1, claimed: 0 }]);
    const { cpus, memory, pids } = made.policy.resources;
    expect(shapes[0]!.bootedWith).toEqual({
      ...{ runtime: expect.any(String), resources: { cpus, memory, pids }, network: 'none' },
      ...{ mounts: [], keptFiles: false },
    });
    expect(instances).toMatchObject([{ image: 'host', shape: shapes[0]!.shape }]);
    expect(['idle', 'paused']).toContain(instances[0]!.state);
    expect(instances[0]!.pid).toBeGreaterThan(0);
    expect(instances[0]!.age).toBeGreaterThanOrEqual(0);
  });

  it('lists pools by name, and their shapes', async () => {
    const { pools } = bench.core;
    const made = [await bench.pool(), await bench.pool({ warm: [{ image: 'host', count: 0 }] })];
    const names = (await pools.list()).map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    expect(names).toEqual(expect.arrayContaining(['default-pool', ...made.map(({ name }) => name)]));
    const rows = await pools.status();
    expect(rows.some(({ pool }) => pool === 'default-pool')).toBe(true);
    const own = await pools.status(made[0]!.name);
    expect(own.every(({ pool }) => pool === made[0]!.name)).toBe(true);
  });

  it('refuses a name that is taken, and what is no policy', async () => {
    const { name } = await bench.pool();
    expect(await errorOf(bench.core.pools.create({ name }))).toMatchObject({
      code: 'already_exists',
      message: expect.stringContaining(name),
      hint: expect.any(String),
    });
    expect(await errorOf(bench.core.pools.create({ name: 'No Name' }))).toMatchObject({
      code: 'invalid_argument',
    });
    expect(await errorOf(bench.core.pools.create({} as PoolPolicyInput))).toMatchObject({
      code: 'invalid_argument',
    });
  });

  it('refuses unknown keys, wrong values and contradictions, with the flag where there is one', async () => {
    const refused = async (policy: object): Promise<{ message: string; hint?: string }> => {
      const error = await errorOf(bench.pool(policy as Partial<PoolPolicyInput>));
      expect(error.code).toBe('invalid_argument');
      return error;
    };
    expect(await refused({ capasity: { max: 3 } })).toMatchObject({
      message: expect.stringContaining('unknown key capasity'),
      hint: 'Did you mean capacity?',
    });
    expect((await refused({ capacity: { maxx: 3 } })).message).toContain('unknown key capacity.maxx');
    expect((await refused({ warm: [{ image: 'host', size: 3 }] })).message).toContain('unknown key');
    expect((await refused({ memory_budget: 'abc' })).message).toContain('memory_budget (--memory-budget)');
    expect((await refused({ resources: { cpus: 0 } })).message).toContain('resources.cpus (--cpus)');
    expect((await refused({ reuse: 'always' })).message).toContain('reuse (--reuse)');
    expect((await refused({ ttl: 'soon' })).message).toContain('ttl (--ttl)');
    const contradiction = await refused({ capacity: { min: 5, max: 3 } });
    expect(contradiction.message).toContain('capacity.min (--min) 5');
    expect(contradiction.message).toContain('capacity.max (--max) 3');
  });

  it('says that an image to keep warm is not there', async () => {
    const error = await errorOf(bench.pool({ warm: [{ image: 'no-such-image', count: 1 }] }));
    expect(error).toMatchObject({
      code: 'image_not_found',
      message: expect.stringContaining('no-such-image'),
    });
  });

  it('says not_found for a pool that does not exist, with the name that was meant', async () => {
    const { pools } = bench.core;
    const name = 'default-pol';
    const calls = [
      pools.status(name),
      pools.get(name),
      pools.update(name, {}),
      pools.delete(name),
      pools.stop(name),
      pools.drain(name),
      pools.lease({ pool: name }),
      bench.start(name, 'true'),
    ];
    for (const error of await Promise.all(calls.map(errorOf)))
      expect(error).toMatchObject({
        code: 'not_found',
        message: expect.stringContaining(name),
        hint: expect.stringContaining('default-pool'),
      });
  });

  it('changes nested keys one by one, and lists as a whole', async () => {
    const { pools } = bench.core;
    const { name } = await bench.pool({
      warm: [{ image: 'host', count: 1 }],
      capacity: { max: 4, buffer_max: 2 },
      ...{ warmup: ['true'], ttl: '1m', queue: { length: 7 } },
    });
    const policy = { capacity: { max: 5 }, warm: [], warmup: [], queue: { timeout: '2s' } };
    const changed = await pools.update(name, { policy });
    expect(changed.policy).toMatchObject({
      capacity: { max: 5, bufferMax: 2 },
      ...{ warm: [], warmup: [], ttl: 60_000, queue: { length: 7, timeout: 2000 } },
    });
    expect((await pools.get(name)).policy).toEqual(changed.policy);
    expect((await pools.update(name, { reset: true, pressure: 0.5 })).policy).toEqual(changed.policy);
  });

  it('changes all or nothing', async () => {
    const { pools } = bench.core;
    const before = await bench.pool({ capacity: { max: 4 } });
    const wrong: [object, string][] = [
      [{ capacity: { max: 6, min: 7 } }, 'capacity.min'],
      [{ capacity: { max: 6 }, ttll: 3 }, 'unknown key ttll'],
      [{ capacity: { max: 6 }, resources: { memory: 'abc' } }, 'resources.memory'],
    ];
    for (const [policy, problem] of wrong) {
      const error = await errorOf(pools.update(before.name, { policy }));
      expect(error).toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining(problem),
      });
    }
    expect((await pools.get(before.name)).policy).toEqual(before.policy);
  });

  it('stops a pool, and starts it again', async () => {
    const { pools } = bench.core;
    const { name } = await bench.pool({ warm: [{ image: 'host', count: 1 }] });
    await bench.until(name, ({ idle }) => idle === 1);
    expect(await pools.stop(name)).toMatchObject({ state: 'stopped', idle: 0, booting: 0 });
    expect(await pools.stop(name, { timeout: 1000 })).toMatchObject({ state: 'stopped' });
    expect((await bench.once(name, 'echo still')).stdout.toString()).toBe('still\n');
    await bench.until(name, ({ idle, claimed, stopping }) => idle + claimed + stopping === 0);
    expect(await pools.update(name, { start: true })).toMatchObject({ state: 'active' });
    // Its shape is in recent use: the pool keeps a buffer beside the warm one.
    await bench.until(name, ({ idle }) => idle >= 1);
  });

  it('drains a pool: refuses claims, and waits for what is claimed', async () => {
    const { pools } = bench.core;
    const { name } = await bench.pool({ warm: [{ image: 'host', count: 1 }] });
    const lease = await pools.lease({ pool: name });
    const late = await errorOf(pools.drain(name, { timeout: 50 }));
    expect(late).toMatchObject({ code: 'timeout', message: expect.stringContaining(name) });
    expect((await bench.inLease(lease.id, 'echo alive')).stdout.toString()).toBe('alive\n');
    expect(await errorOf(bench.start(name, 'true'))).toMatchObject({ code: 'conflict' });
    expect(await errorOf(pools.lease({ pool: name }))).toMatchObject({ code: 'conflict' });
    const drained = await pools.drain(name, { timeout: 50, force: true });
    expect(drained).toMatchObject({ state: 'drained', idle: 0, claimed: 0, booting: 0, stopping: 0 });
    expect(await errorOf(pools.release(lease.id))).toMatchObject({ code: 'not_found' });
    expect(await pools.drain(name)).toMatchObject({ state: 'drained' });
    expect(await pools.update(name, { start: true })).toMatchObject({ state: 'active' });
    expect((await bench.once(name, 'echo again')).stdout.toString()).toBe('again\n');
  });

  it('deletes a pool, but not the default one, and not one that is in use without force', async () => {
    const { pools } = bench.core;
    expect(await errorOf(pools.delete('default-pool'))).toMatchObject({ code: 'conflict' });
    const { name } = await bench.pool();
    const lease = await pools.lease({ pool: name });
    expect(await errorOf(pools.delete(name))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(name),
    });
    await pools.delete(name, { force: true });
    expect(await errorOf(pools.get(name))).toMatchObject({ code: 'not_found' });
    expect(await errorOf(pools.kill(lease.id))).toMatchObject({ code: 'not_found' });
    expect((await pools.create({ name, resources: { memory: '64m' } })).name).toBe(name);
    await pools.delete(name);
  });
}
