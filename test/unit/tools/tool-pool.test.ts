import { describe, expect, it } from 'vitest';
import type { CoreEvent } from '../../../src/core/model/event.ts';
import type { PoolDetails, PoolEvent } from '../../../src/core/model/pool/pool.ts';
import { parseSandboxConfig } from '../../../src/core/tools/pool/sandbox-config.ts';
import { ToolPool } from '../../../src/core/tools/pool/tool-pool.ts';
import { type HostCore, hostCore } from '../../helpers/core/host-core/host-core.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

const config = parseSandboxConfig({}, '/sandbox');

/** A core whose instances of the tool pool come up when the test says so. */
function slowCore() {
  const core: HostCore = hostCore();
  const clock = createManualClock();
  let up = 0;
  let breaker: string | undefined;
  let tell: (event: CoreEvent) => void = () => {};
  const seen = (pool: PoolDetails): PoolDetails => ({
    ...pool,
    instances: pool.instances.slice(0, up),
    shapes: pool.shapes.map((row) => ({ ...row, ...(breaker === undefined ? {} : { breaker }) })),
  });
  async function* events(signal?: AbortSignal): AsyncGenerator<CoreEvent> {
    for (let seq = 1; ; seq++) {
      const event = await new Promise<CoreEvent>((resolve, reject) => {
        tell = resolve;
        signal?.addEventListener('abort', () => reject(signal.reason));
      });
      yield { ...event, seq };
    }
  }
  const pools = {
    get: async (name: string) => seen(await core.pools.get(name)),
    create: core.pools.create.bind(core.pools),
    update: core.pools.update.bind(core.pools),
  };
  const slow = {
    pools: pools as HostCore['pools'],
    system: {
      ...core.system,
      events: (_: object, { signal }: { signal?: AbortSignal } = {}) => events(signal),
    },
  };
  return {
    core,
    clock,
    pool: new ToolPool({ core: slow, clock }),
    async happens(event: PoolEvent, instances: number, why?: string): Promise<void> {
      up = instances;
      breaker = why;
      tell({ seq: 0, time: 0, pool: 'tool-pool', event });
      await clock.advance(0);
    },
  };
}

const idle: PoolEvent = { type: 'idle', instance: 'i', shape: 's' };
const failed: PoolEvent = { type: 'boot-failed', instance: 'i', shape: 's', cause: 'no space' };
const caller = () => new AbortController();

describe('initialize', () => {
  it('waits for the last instance', async () => {
    const { core, clock, pool, happens } = slowCore();
    let answered = false;
    const warming = pool.initialize(3, config, caller().signal).finally(() => {
      answered = true;
    });
    await clock.advance(0);
    await happens(idle, 1);
    await happens(failed, 2);
    expect(answered).toBe(false);
    await happens(idle, 3);
    expect(await warming).toMatchObject({ up: { length: 3 }, missing: 0, reasons: [] });
    expect(clock.pending).toBe(0);
    await core.close();
  });

  it('tells how many did not come, and why, when no more are tried', async () => {
    const { core, clock, pool, happens } = slowCore();
    const warming = pool.initialize(3, config, caller().signal);
    await clock.advance(0);
    await happens(failed, 1, 'no space left');
    expect(await warming).toMatchObject({ up: { length: 1 }, missing: 2, reasons: ['host: no space left'] });
    await core.close();
  });

  it('fails with the reason when none comes', async () => {
    const { core, clock, pool, happens } = slowCore();
    const warming = pool.initialize(2, config, caller().signal);
    warming.catch(() => {});
    await clock.advance(0);
    await happens(failed, 0, 'no space left');
    await expect(warming).rejects.toMatchObject({
      code: 'run_failed',
      message: expect.stringContaining('no space left'),
    });
    await core.close();
  });

  it('answers at its deadline with those that are up, and what went wrong until then', async () => {
    const { core, clock, pool, happens } = slowCore();
    const warming = pool.initialize(2, config, caller().signal);
    await clock.advance(0);
    await happens(failed, 1);
    await clock.advance(120_000);
    expect(await warming).toMatchObject({
      up: { length: 1 },
      missing: 1,
      reasons: ['not up within 2m', 'no space'],
    });
    await core.close();
  });

  it('waits for what a later call made of it', async () => {
    const { core, clock, pool, happens } = slowCore();
    const warming = pool.initialize(3, config, caller().signal);
    await clock.advance(0);
    await core.pools.update('tool-pool', { policy: { warm: [{ image: 'host', count: 1 }] } });
    await happens(idle, 1);
    expect(await warming).toMatchObject({ up: { length: 1 }, missing: 0 });
    await core.close();
  });

  it('ends with the caller', async () => {
    const { core, clock, pool } = slowCore();
    const leaving = caller();
    const warming = pool.initialize(2, config, leaving.signal);
    warming.catch(() => {});
    await clock.advance(0);
    leaving.abort();
    await expect(warming).rejects.toMatchObject({ code: 'cancelled' });
    expect(clock.pending).toBe(0);
    await core.close();
  });
});
