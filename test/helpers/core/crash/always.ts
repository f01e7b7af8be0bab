import { expect } from 'vitest';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import type { PoolInfo } from '../../../../src/core/model/pool/pool.ts';
import { imageFiles } from '../image-files.ts';
import { answers, find } from './boxes.ts';
import type { Scenario } from './scenario.ts';

const SETTLED = ['Running', 'Exited', 'Failed', 'Expired', 'Lost'];

/** Milliseconds for what goes on by itself. */
const PATIENCE = 20_000;

/** Of every sandbox, whatever was done to it: no state in between; what runs answers; no place of a pool is lost. */
export async function checkAlways(api: CoreApi): Promise<void> {
  for (const sandbox of await api.sandboxes.list({})) {
    const { failure_policy } = sandbox.spec;
    // The recreation of a lost one goes on in the next core.
    expect(failure_policy === 'Manual' ? SETTLED : [...SETTLED, 'Pending']).toContain(sandbox.state.phase);
    if (sandbox.state.phase === 'Running' && !sandbox.state.paused) await answers(api, sandbox);
  }
  await checkPools(api);
}

/** No place of a pool is lost, and what it keeps warm is there. */
export const checkPools = (api: CoreApi): Promise<void> =>
  eventually(async () => {
    const { pools, expected } = await placesOf(api);
    expect(pools).toEqual(expected);
  });

/** What the pools say of their places, and what they must say by what holds these. */
async function placesOf(api: CoreApi): Promise<{ pools: unknown[]; expected: unknown[] }> {
  const [pools, sandboxes, leases] = await Promise.all([
    api.pools.list(),
    api.sandboxes.list({}),
    api.pools.leases(),
  ]);
  const held = (name: string): number =>
    sandboxes.filter(({ spec, state }) => spec.pool_ref === name && state.phase === 'Running').length +
    leases.filter(({ pool }) => pool === name).length;
  const expected = pools.map(({ name, state, policy }) => {
    const [claimed, warm] = [held(name), policy.warm.reduce((sum, { count }) => sum + count, 0)];
    const idle = state === 'active' ? Math.min(warm, policy.capacity.max - claimed) : 0;
    return { name, claimed, idle, booting: 0, stopping: 0 };
  });
  return { pools: pools.map(places), expected };
}

const places = ({ name, claimed, idle, booting, stopping }: PoolInfo) => ({
  ...{ name, claimed, idle, booting, stopping },
});

/** What ended while no core ran is told a moment after the next one is ready. */
export const expectOutcome = (
  api: CoreApi,
  { outcome = phaseOfBox }: Pick<Scenario, 'outcome'>,
  allowed: readonly string[],
): Promise<void> => eventually(async () => expect(allowed).toContain(await outcome(api)));

const phaseOfBox = async (api: CoreApi): Promise<string> => (await find(api))?.state.phase ?? 'none';

/** Every blob and layer is one of an image on record, or goes at its time, for the core knows of it. */
export async function checkImageFiles(api: CoreApi, root: string): Promise<void> {
  const { unnamed, missing } = await imageFiles(root);
  expect(missing).toEqual([]);
  if (unnamed.length === 0) return;
  expect((await api.system.usage()).images.leftovers).toBeGreaterThan(0);
  await api.images.prune({ all: false, olderThan: 0 });
  expect((await imageFiles(root)).unnamed).toEqual([]);
}

/** What calls say when their core was killed. */
const CLOSED = /^the connection to the core .*was closed$/;

/** Until it does not throw any more; throws what it threw last when that takes too long, or its core is gone. */
export async function eventually(check: () => Promise<void>): Promise<void> {
  for (const end = performance.now() + PATIENCE; ; ) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > end || CLOSED.test((error as Error).message)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
