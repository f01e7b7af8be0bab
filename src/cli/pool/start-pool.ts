import type { CoreApi } from '../../core/api/core-api.ts';
import type { PoolApi } from '../../core/api/pool-api.ts';
import type { CallOptions } from '../../core/api/sandbox-api.ts';
import type { Clock } from '../../core/model/clock.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { PoolDetails, PoolInfo } from '../../core/model/pool/pool.ts';
import type { PoolPolicyInput } from '../../core/model/pool/pool-policy.ts';
import type { PullPolicy } from '../images/pull-flags.ts';
import { pullImages, withImages } from '../images/pull-missing.ts';
import type { Puller } from '../images/puller.ts';
import { warmNames } from './policy-from-flags.ts';
import { PoolChanges } from './pool-changes.ts';
import { notWarm, type Progress, progressOf } from './warmth.ts';

/**
 * Makes the pool as wanted and active: an existing one is changed, a new one made, which keeps `host` warm when nothing
 * else was said. Boots that were given up are tried again at once, since somebody asks for them.
 */
async function startPool(
  pools: PoolApi,
  name: string,
  policy: Partial<PoolPolicyInput>,
  call: CallOptions,
): Promise<PoolInfo> {
  try {
    return await pools.update(name, { policy, start: true, reset: true }, call);
  } catch (error) {
    if (FsbError.from(error).code !== 'not_found') throw error;
    return pools.create({ warm: [{ image: 'host' }], ...policy, name }, call);
  }
}

/** The same, with its images pulled from their registries as `pull` says. @throws what pulling does, too */
export async function startWithImages(
  pools: PoolApi,
  name: string,
  policy: Partial<PoolPolicyInput>,
  puller: Puller,
  pull: PullPolicy | undefined,
): Promise<PoolInfo> {
  const call = { signal: puller.signal };
  const start = (): Promise<PoolInfo> => startPool(pools, name, policy, call);
  if (policy.warm !== undefined) return withImages(puller, pull, warmNames(policy), start);
  // A pool starts without an image that it kept warm before, and would wait for it in vain.
  await pullImages(puller, pull, await warmNow(pools, name, call));
  return start();
}

/** The images that the pool keeps warm already, as its policy names them; none where there is no such pool. */
export async function warmNow(pools: PoolApi, name: string, call: CallOptions): Promise<string[]> {
  try {
    return warmNames((await pools.get(name, call)).policy);
  } catch (error) {
    if (FsbError.from(error).code !== 'not_found') throw error;
    return [];
  }
}

/** Milliseconds in which nothing moves. Longer than that is only what one boot may take. */
const PATIENCE = 120_000;
/** Milliseconds. A core that is quick is done before the stream of its events is there: no event tells of that. */
const LOOK_AGAIN = 500;

export interface Warming {
  /** Makes the pool keep warm what it is to; called once its events are read. */
  start(): Promise<unknown>;
  tell(progress: Progress): Promise<void>;
  signal: AbortSignal;
  clock: Clock;
}

/**
 * Waits until a pool has idle what it is to keep warm.
 * @throws what progressOf() does; what notWarm() says at the signal's timeout and when nothing moves any more; the
 * signal's reason otherwise
 */
export async function untilWarm(core: CoreApi, name: string, warming: Warming): Promise<PoolDetails> {
  const { signal, clock } = warming;
  await using changes = new PoolChanges(core, signal);
  await warming.start();
  let pool = await core.pools.get(name, { signal });
  try {
    for (;;) {
      const progress = progressOf(pool);
      await warming.tell(progress);
      if (progress.done) return pool;
      const patience = Math.max(PATIENCE, pool.policy.bootTimeout);
      const stalled = clock.monotonic() + patience;
      do {
        await changes.nextWithin(clock, Math.min(LOOK_AGAIN, stalled - clock.monotonic())).catch((error) => {
          if (signal.aborted || clock.monotonic() >= stalled || FsbError.from(error).code !== 'timeout')
            throw error;
        });
        pool = await core.pools.get(name, { signal });
      } while (progressOf(pool).text === progress.text && !progressOf(pool).done);
    }
  } catch (error) {
    // The true reason is worth more than that the time is up.
    throw FsbError.from(error).code === 'timeout' ? notWarm(pool) : error;
  }
}
