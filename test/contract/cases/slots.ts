import { expect, it } from 'vitest';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { until } from '../../helpers/core/waiting.ts';
import { errorOf, type Workbench } from '../workbench.ts';

/**
 * Slots, as far as one sees them over a wire: how many instances of a pool are claimed, and who gets none.
 * @param pause stops the node for a second and a half, and does something meanwhile
 */
export function slotCases(bench: Workbench, pause: (meanwhile: () => void) => Promise<void>): void {
  const pool = async (max: number): Promise<string> =>
    (await bench.pool({ capacity: { max }, queue: { timeout: '5m' } })).name;
  const claimed = async (name: string): Promise<number> => (await bench.core.pools.get(name)).claimed;
  const times = <T>(count: number, work: () => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, work));

  /** One more than there is room for. */
  async function refused(name: string): Promise<void> {
    const { pools } = bench.core;
    await pools.update(name, { policy: { queue: { timeout: '50ms' } } });
    expect(await errorOf(bench.idle({ pool_ref: name }))).toMatchObject({ code: 'no_capacity' });
    await pools.update(name, { policy: { queue: { timeout: '5m' } } });
  }

  /** The most instances that a pool has had at once, by what it has told. */
  async function most(name: string): Promise<number> {
    const alive = new Set<string>();
    let peak = 0;
    for await (const { event } of bench.core.system.events({ pool: name, after: 0, follow: false })) {
      if (event.type === 'created' && 'instance' in event) alive.add(event.instance);
      if (event.type === 'destroyed') alive.delete(event.instance);
      peak = Math.max(peak, alive.size);
    }
    return peak;
  }

  it('a slot is free again after each end of a sandbox, and after a start that fails', async () => {
    const { sandboxes } = bench.core;
    const pool_ref = await pool(2);
    const cycle = async (): Promise<void> => {
      for (let turn = 0; turn < 3; turn += 1) {
        const box = await bench.idle({ pool_ref });
        await sandboxes.delete(box, { grace: 0 });
        const spec = { image: 'host', command: ['/no/such/program'], pool_ref };
        const failed = sandboxes.create({ ...bench.ref(), spec });
        expect(await errorOf(failed)).toMatchObject({ code: 'command_not_found' });
      }
    };
    await times(3, cycle);
    await bench.until(pool_ref, (now) => now.claimed + now.booting + now.stopping + now.waiting === 0);
    expect(await most(pool_ref)).toBeLessThanOrEqual(2);
  });

  it('one more than there are slots is refused; of one that is deleted twice at once a single slot is free', async () => {
    const pool_ref = await pool(2);
    const [first, second] = (await times(2, () => bench.idle({ pool_ref }))) as [Sandbox, Sandbox];
    await refused(pool_ref);
    const { sandboxes } = bench.core;
    await times(2, () => sandboxes.delete(first, { grace: 0 }));
    expect(await claimed(pool_ref)).toBe(1);
    const third = await bench.idle({ pool_ref });
    await refused(pool_ref);
    await Promise.all([second, third].map((box) => sandboxes.delete(box, { grace: 0 })));
    expect(await claimed(pool_ref)).toBe(0);
    expect(await most(pool_ref)).toBe(2);
  });

  it('after a pause of the node in which one ended, one expired and some waited in vain, two slots are free and no more', async () => {
    const { pools, sandboxes } = bench.core;
    const pool_ref = await pool(3);
    const [kept, ended] = (await times(2, () => bench.idle({ pool_ref }))) as [Sandbox, Sandbox];
    const expired = await bench.idle({ pool_ref, ttl: '1s', grace_period: '0.1s' });
    const holder = `sandbox ${ended.namespace}/${ended.name}`;
    const { pid } = (await pools.get(pool_ref)).instances.find((one) => one.holder === holder)!;
    await pools.update(pool_ref, { policy: { queue: { timeout: '1s' } } });
    const asked = Promise.allSettled(Array.from({ length: 3 }, () => bench.idle({ pool_ref })));
    await bench.untilWaiting(pool_ref, 3);
    await pause(() => process.kill(pid, 'SIGKILL'));
    const early = (await asked).filter(({ status }) => status === 'fulfilled').length;
    const phase = async (box: Sandbox): Promise<string> => (await sandboxes.get(box)).state.phase;
    await until(async () => (await phase(ended)) === 'Lost' && (await phase(expired)) === 'Expired');
    await pools.update(pool_ref, { policy: { queue: { timeout: '5m' } } });
    await times(2 - early, () => bench.idle({ pool_ref }));
    await refused(pool_ref);
    expect(await claimed(pool_ref)).toBe(3);
    expect(await phase(kept)).toBe('Running');
    expect(await most(pool_ref)).toBe(3);
  });
}
