import { afterEach, describe, expect, it } from 'vitest';
import type { CoreEvent } from '../../../src/core/model/event.ts';
import { firstProcesses } from '../../helpers/core/first-processes.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { traces } from '../../helpers/core/traces.ts';
import { onNode, POOL, runIn, untilIdle, untilPool, watchEvents } from '../../helpers/pool/real-pool.ts';

const cores: RealCore[] = [];
async function start(pool: Record<string, unknown>): Promise<RealCore> {
  const core = await startRealCore({ pool });
  cores.push(core);
  return core;
}
afterEach(async () => {
  for (const core of cores.splice(0)) await core.close();
});

const tight = { buffer_min: 0, buffer_max: 0 };

describe('a pool of real instances', () => {
  it('of at most two serves six callers in the order in which they came, with never a third alive', async () => {
    const { running, root } = await start({ warm: [], capacity: { max: 2, ...tight } });
    const { pools } = running.api;
    const events = watchEvents(running.api);
    const served: number[] = [];
    const callers = [0, 1, 2, 3, 4, 5].map(async (number) => {
      const lease = await pools.lease({ pool: POOL });
      served.push(number);
      expect((await onNode(root)).length).toBeLessThanOrEqual(2);
      return lease;
    });
    await Promise.all(callers.slice(0, 2));
    for (const [number, caller] of callers.entries()) {
      await pools.release((await caller).id);
      await callers[number + 2];
      expect([...served].sort()).toEqual([0, 1, 2, 3, 4, 5].slice(0, number + 3));
    }
    await untilIdle(running.api, 0);
    await events.stop();
    expect(events.most()).toBe(2);
    expect(events.seen.filter(({ event }) => event.type === 'claimed')).toHaveLength(6);
  });

  it('with ten warm takes a burst of thirty, and boots from the first claim on', async () => {
    const { running } = await start({
      warm: [{ image: 'host', count: 10 }],
      capacity: { max: 40, ...tight },
    });
    await untilIdle(running.api, 10);
    const events = watchEvents(running.api);
    const first = await running.api.pools.lease({ pool: POOL });
    const codes = await Promise.all(
      Array.from({ length: 29 }, async (_, code) => (await runIn(running.api, `exit ${code}`)).code),
    );
    expect(codes).toEqual(Array.from({ length: 29 }, (_, code) => code));
    await running.api.pools.release(first.id);
    const [row] = await running.api.pools.status(POOL);
    expect(row!.hits + row!.misses).toBe(30);
    expect(row!.hits).toBeGreaterThanOrEqual(10);
    await untilIdle(running.api, 10);
    await events.stop();
    const types = events.seen.map(({ event }) => event.type);
    expect(types.filter((type) => type === 'claimed')).toHaveLength(30);
    // Nine were idle still: the refill waits neither for a second claim nor for an empty pool.
    const idle = types.flatMap((type, at) => (type === 'idle' ? [at] : []));
    expect(types.slice(idle[9]! + 1, idle[9]! + 3)).toEqual(['refill', 'claimed']);
    expect(events.most()).toBeLessThanOrEqual(40);
  });

  it('serves the next claim and replaces an idle instance that was killed from outside', async () => {
    const { running, root } = await start({
      warm: [{ image: 'host', count: 2 }],
      capacity: { max: 8, ...tight },
    });
    const { instances } = await untilIdle(running.api, 2);
    const events = watchEvents(running.api);
    const killed = instances.at(-1)!;
    expect((await firstProcesses(root)).get(killed.id)).toBe(killed.pid);
    process.kill(killed.pid, 'SIGKILL');
    expect(await runIn(running.api, 'echo served')).toEqual({ text: 'served\n', code: 0 });
    await untilPool(
      running.api,
      ({ idle, stopping, instances }) =>
        idle === 2 && stopping === 0 && !instances.some(({ id }) => id === killed.id),
    );
    await events.stop();
    const ends = events.seen
      .filter(({ event }) => ofInstance(event) === killed.id)
      .map(({ event }) => event.type);
    expect(ends.at(-1)).toBe('destroyed');
    expect(ends.filter((type) => type === 'claimed')).toEqual([]);
    expect(await onNode(root)).not.toContain(killed.id);
  });
});

describe('closing a pool of real instances', () => {
  it('under twenty callers leaves no instance, no process and no mount', async () => {
    const core = await startRealCore({
      pool: { warm: [{ image: 'host', count: 4 }], capacity: { max: 24 } },
    });
    await untilIdle(core.running.api, 4);
    const callers = Array.from({ length: 20 }, () =>
      runIn(core.running.api, 'sleep 1000').then(
        () => 'ended',
        (error: { code: string }) => error.code,
      ),
    );
    const closing = core.running.close();
    const outcomes = new Set(await Promise.all(callers));
    await closing;
    expect([...outcomes].filter((code) => code !== 'unavailable' && code !== 'run_failed')).toEqual([]);
    expect(await traces(core.root)).toEqual([]);
    await core.remote.close();
  });
});

const ofInstance = (event: CoreEvent['event']): string | undefined =>
  'instance' in event ? event.instance : undefined;
