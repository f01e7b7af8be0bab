import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { errorOf, execOf, finish, readUntil, type Workbench } from '../workbench.ts';

/** Instances that somebody keeps for further commands. */
export function poolLeaseCases(bench: Workbench): void {
  it('keeps an instance, and what its commands leave in it', async () => {
    const { pools } = bench.core;
    const { name } = await bench.pool({ warm: [{ image: 'host', count: 1 }] });
    await bench.until(name, ({ idle }) => idle === 1);
    const lease = await pools.lease({ pool: name });
    expect(lease).toMatchObject({ pool: name, image: 'host', warm: true, ttl: 3_600_000, running: 0 });
    expect(Math.abs(lease.createdAt - Date.now())).toBeLessThan(60_000);
    const { instances } = await pools.get(name);
    expect(instances.find(({ id }) => id === lease.instance)).toMatchObject({
      state: 'claimed',
      holder: `lease ${lease.id}`,
    });
    const file = `/tmp/kept-${randomBytes(4).toString('hex')}`;
    expect((await bench.inLease(lease.id, `echo kept >${file}; exit 3`)).status.code).toBe(3);
    const second = await bench.inLease(lease.id, `cat ${file}; rm ${file}; echo "$A"`, { env: { A: 'b' } });
    expect(second.stdout.toString()).toBe('kept\nb\n');
    await pools.release(lease.id);
  });

  it('lists leases, with how many commands run in each', async () => {
    const { pools } = bench.core;
    const { name } = await bench.pool();
    const made = [
      await pools.lease({ pool: name, ttl: 0, label: 'mine' }),
      await pools.lease({ pool: name }),
    ];
    expect(made.map(({ label }) => label)).toEqual(['mine', undefined]);
    const session = await pools.exec(made[0]!.id, execOf(['sleep', '1000']));
    const own = (await pools.leases()).filter(({ pool }) => pool === name);
    expect(own).toEqual(expect.arrayContaining([{ ...made[0], running: 1 }, made[1]]));
    expect(own).toHaveLength(2);
    session.signal(9);
    await finish(session);
    for (const { id } of made) await pools.release(id);
    expect((await pools.leases()).filter(({ pool }) => pool === name)).toEqual([]);
  });

  it('carries input to a command in a lease', async () => {
    const { pools } = bench.core;
    const lease = await pools.lease({ pool: (await bench.pool()).name });
    const session = await pools.exec(lease.id, execOf(['cat'], { stdin: true }));
    await session.write(Buffer.from('through'));
    session.endInput();
    expect((await finish(session)).stdout.toString()).toBe('through');
    expect(await errorOf(pools.exec(lease.id, execOf(['no-such-command-at-all'])))).toMatchObject({
      code: 'command_not_found',
    });
    await pools.release(lease.id);
  });

  it('lets a command live on when its caller leaves', async () => {
    const { pools } = bench.core;
    const { name } = await bench.pool();
    const lease = await pools.lease({ pool: name });
    const session = await pools.exec(lease.id, execOf(['sh', '-c', 'echo here; sleep 1000']));
    await readUntil(session.output[Symbol.asyncIterator](), 'here');
    await session.close();
    const [own] = (await pools.leases()).filter(({ id }) => id === lease.id);
    expect(own).toMatchObject({ running: 1 });
    await pools.release(lease.id);
  });

  it('kills what runs in a lease, and keeps the lease', async () => {
    const { pools } = bench.core;
    const lease = await pools.lease({ pool: (await bench.pool()).name });
    const session = await pools.exec(lease.id, execOf(['sh', '-c', 'trap "" TERM; echo on; sleep 1000']));
    await readUntil(session.output[Symbol.asyncIterator](), 'on');
    await pools.kill(lease.id);
    expect(await session.exited).toMatchObject({ code: null, signal: 9 });
    await session.close();
    expect((await bench.inLease(lease.id, 'echo after')).stdout.toString()).toBe('after\n');
    await pools.release(lease.id);
  });

  it('gives an instance back to a sticky pool, or destroys it when that is asked for', async () => {
    const { pools } = bench.core;
    const { name } = await bench.pool({
      reuse: 'sticky',
      warm: [{ image: 'host', count: 1 }],
      capacity: { max: 1 },
    });
    await bench.until(name, ({ idle }) => idle === 1);
    const first = await pools.lease({ pool: name });
    await pools.release(first.id);
    const second = await pools.lease({ pool: name });
    expect(second.instance).toBe(first.instance);
    await pools.release(second.id, { destroy: true });
    const { instances } = await pools.get(name);
    expect(instances.map(({ id }) => id)).not.toContain(first.instance);
  });

  it('says not_found for a lease that was released', async () => {
    const { pools } = bench.core;
    const { name } = await bench.pool();
    const { id } = await pools.lease({ pool: name });
    const session = await pools.exec(id, execOf(['sleep', '1000']));
    await pools.release(id);
    const end = await session.exited.catch((thrown: unknown) => FsbError.from(thrown).code);
    // Its end was seen, or went down with the instance: then nobody invents one.
    expect([{ code: null, signal: 9 }, 'run_failed', 'unavailable']).toContainEqual(end);
    await session.close();
    const calls = [pools.exec(id, execOf(['true'])), pools.kill(id), pools.release(id)];
    for (const error of await Promise.all(calls.map(errorOf)))
      expect(error).toMatchObject({
        code: 'not_found',
        message: expect.stringContaining(id),
        hint: expect.any(String),
      });
    expect(await bench.core.pools.get(name)).toMatchObject({ claimed: 0, stopping: 0 });
  });

  it('gives an instance of a sticky pool out again, unless it is to be destroyed', async () => {
    const { pools } = bench.core;
    const { name } = await bench.pool({ reuse: 'sticky', capacity: { max: 1 } });
    const first = await pools.lease({ pool: name });
    await pools.release(first.id);
    const second = await pools.lease({ pool: name });
    expect(second).toMatchObject({ instance: first.instance, warm: true });
    expect(second.id).not.toBe(first.id);
    await pools.release(second.id, { destroy: true });
    const third = await pools.lease({ pool: name });
    expect(third.instance).not.toBe(first.instance);
    await pools.release(third.id);
  });

  it('reclaims a lease in which nothing ran for its time', async () => {
    const { pools } = bench.core;
    const { name } = await bench.pool();
    const { id } = await pools.lease({ pool: name, ttl: 50 });
    await bench.until(name, ({ claimed }) => claimed === 0);
    expect(await errorOf(pools.exec(id, execOf(['true'])))).toMatchObject({ code: 'not_found' });
  });

  it('leaves no lease to a caller who gave up, whenever that was', async () => {
    const { pools } = bench.core;
    const { name } = await bench.pool({ warm: [{ image: 'host', count: 2 }], capacity: { max: 8 } });
    for (let turns = 0; turns < 60; turns += 1) {
      const leaving = new AbortController();
      const outcome = pools.lease({ pool: name }, { signal: leaving.signal }).then(
        ({ id }) => ({ id }),
        (error: unknown) => ({ error: FsbError.from(error) }),
      );
      for (let turn = 0; turn < turns % 30; turn += 1) await setImmediate();
      leaving.abort(new FsbError('cancelled', 'gave up'));
      const result = await outcome;
      if ('id' in result) await pools.release(result.id);
      else expect(result.error).toMatchObject({ code: 'cancelled', message: 'gave up' });
    }
    await bench.until(name, ({ claimed }) => claimed === 0);
    expect((await pools.leases()).filter(({ pool }) => pool === name)).toEqual([]);
  });
}
