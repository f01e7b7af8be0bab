import type { CoreApi } from '../../core/api/core-api.ts';
import type { PoolApi } from '../../core/api/pool-api.ts';
import type { CallOptions } from '../../core/api/sandbox-api.ts';
import { FsbError } from '../../core/model/errors.ts';
import type { PoolDetails, PoolInfo } from '../../core/model/pool.ts';
import type { PoolPolicyInput } from '../../core/model/pool-policy.ts';
import { PoolChanges } from './pool-changes.ts';
import { type Warmth, warmth } from './warmth.ts';

/**
 * Makes the pool as wanted and active: an existing one is changed, a new one made, which keeps `host` warm when nothing
 * else was said. Boots that were given up are tried again at once, since somebody asks for them.
 */
export async function startPool(
  pools: PoolApi,
  name: string,
  policy: Partial<PoolPolicyInput>,
  call: CallOptions,
): Promise<PoolInfo> {
  try {
    return await pools.update(name, { policy, start: true, reset: true }, call);
  } catch (error) {
    if (FsbError.from(error).code !== 'not_found') throw error;
    // It may have been an image that was not found: then the pool is there, and making it says so.
    return pools.create({ warm: [{ image: 'host' }], ...policy, name }, call).catch((second: unknown) => {
      throw FsbError.from(second).code === 'already_exists' ? error : second;
    });
  }
}

/**
 * Waits until a pool has idle what it is to keep warm; `start` makes it do so, and is called once its events are read.
 * @throws what warmth() does; the signal's reason
 */
export async function untilWarm(
  core: CoreApi,
  name: string,
  start: () => Promise<unknown>,
  tell: (warmth: Warmth) => Promise<void>,
  signal: AbortSignal,
): Promise<PoolDetails> {
  await using changes = new PoolChanges(core, signal);
  await start();
  for (;;) {
    const pool = await core.pools.get(name, { signal });
    const state = warmth(pool);
    await tell(state);
    if (state.done) return pool;
    await changes.next();
  }
}
