import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { command, POOL, shell } from '../../helpers/pool/real-pool.ts';

let core: RealCore;
beforeAll(async () => {
  core = await startRealCore({ pool: { warm: [], resources: { memory: '48m' } } });
});
afterAll(() => core.close());

/** One that takes more than it may have, and one that is killed otherwise. */
const greedy = command(['tail', '/dev/zero']);
const killed = shell('kill -9 $$');

it('a command that takes more memory than it has is told so, in a lease and in a run, and no other is', async () => {
  const { pools } = core.running.api;
  const lease = await pools.lease({ pool: POOL });
  const plain = { code: null, signal: 9 };
  const statusOf = async (exec: typeof greedy) => (await pools.exec(lease.id, exec)).exited;
  expect(await statusOf(killed)).toEqual(plain);
  expect(await statusOf(greedy)).toEqual({ ...plain, oomKilled: true });
  expect(await statusOf(killed)).toEqual(plain);
  const run = await pools.run({ pool: POOL, exec: greedy });
  for await (const _ of run.output) void _;
  expect(await run.exited).toEqual({ ...plain, oomKilled: true });
});
