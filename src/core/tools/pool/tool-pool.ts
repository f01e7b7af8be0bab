import type { CoreApi } from '../../api/core-api.ts';
import type { CallOptions } from '../../api/sandbox-api.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import { HOST_IMAGE } from '../../model/image/reference.ts';
import type { PoolDetails, PoolPolicy } from '../../model/pool/pool.ts';
import type { PoolPolicyInput } from '../../model/pool/pool-policy.ts';
import { formatDuration } from '../../model/quantity.ts';
import { timeLimit } from '../run/time-limit.ts';
import { PoolWatch } from './pool-watch.ts';
import type { SandboxConfig } from './sandbox-config.ts';
import { unless } from './unless.ts';
import { warmthOf } from './warmth.ts';

/** The pool that tools borrow from; it is the pool server's own. */
export const TOOL_POOL = 'tool-pool';

const DEFAULT_SIZE = 2;

/** Milliseconds for all instances to be up. */
const WARM_DEADLINE = 120_000;

const INITIALIZE_FIRST = 'Call POST /pool/initialize?pool_size=N first.';
const INITIALIZE_AGAIN = 'Call POST /pool/initialize to warm it again.';

/** How many instances a pool is to keep warm. */
export const warmCount = ({ warm }: PoolPolicy): number => warm.reduce((sum, { count }) => sum + count, 0);

export interface ToolPoolOptions {
  core: Pick<CoreApi, 'pools' | 'system'>;
  clock: Clock;
}

/** What became of the instances that were asked for. */
export interface Warmed {
  /** Ids of all that came up, oldest first. */
  up: string[];
  /** How many did not. */
  missing: number;
  /** Why they did not; empty when none is missing. */
  reasons: string[];
}

/** Makes and resizes the pool. What it is now is always asked of the core, so a restart of the core changes nothing. */
export class ToolPool {
  readonly #core: ToolPoolOptions['core'];
  readonly #clock: Clock;

  constructor({ core, clock }: ToolPoolOptions) {
    this.#core = core;
    this.#clock = clock;
  }

  /** Undefined: it was never initialised, or was deleted. */
  find(options?: CallOptions): Promise<PoolDetails | undefined> {
    return unless('not_found', this.#core.pools.get(TOOL_POOL, options));
  }

  /** That it lends sandboxes. @throws invalid_argument (not initialised), conflict (stopped, drained, nothing warm) */
  async assertLends(options?: CallOptions): Promise<void> {
    const pool = await this.find(options);
    if (pool === undefined)
      throw new FsbError('invalid_argument', 'the tool pool is not initialised', { hint: INITIALIZE_FIRST });
    if (pool.state !== 'active')
      throw new FsbError('conflict', `the tool pool is ${pool.state}`, { hint: INITIALIZE_AGAIN });
    if (warmCount(pool.policy) === 0)
      throw new FsbError('conflict', 'the tool pool keeps nothing warm', { hint: INITIALIZE_AGAIN });
  }

  /**
   * Makes the pool, or changes it, and waits until its instances are up, or no more of them come for now.
   * @param size undefined: as it is, or 2
   * @throws invalid_argument, not_found (image), run_failed when none comes up
   */
  async initialize(size: number | undefined, config: SandboxConfig, signal: AbortSignal): Promise<Warmed> {
    assertFitsPool(config);
    const limit = timeLimit(this.#clock, WARM_DEADLINE, signal);
    // Before the pool is changed, so that no event is missed.
    const watch = new PoolWatch(this.#core.system.events, TOOL_POOL, limit);
    try {
      await this.#apply(size, config, signal);
      const warmed = await this.#warm(watch, signal);
      if (warmed.up.length > 0) return warmed;
      throw new FsbError('run_failed', `no instance of the tool pool came up: ${warmed.reasons.join('; ')}`, {
        hint: 'See fsb-ctl pool status and fsb-ctl doctor.',
      });
    } finally {
      watch.close();
      limit.cancel();
    }
  }

  async #apply(said: number | undefined, config: SandboxConfig, signal: AbortSignal): Promise<void> {
    const { pools } = this.#core;
    const current = (await this.find({ signal }))?.policy.warm[0];
    const size = said ?? current?.count ?? DEFAULT_SIZE;
    const policy = policyFor(size, config.image ?? current?.image ?? HOST_IMAGE, config);
    const change = { policy, start: true, reset: true };
    if (current === undefined) {
      const made = await unless('already_exists', pools.create(policy, { signal }));
      // Else somebody made it in between, and it is changed like any other.
      if (made !== undefined) return;
    }
    await pools.update(TOOL_POOL, change, { signal });
  }

  /** Judges what the policy is now: a later call may have changed it again. */
  async #warm(watch: PoolWatch, signal: AbortSignal): Promise<Warmed> {
    const causes = new Set<string>();
    for (;;) {
      const { up, missing, obstacles } = warmthOf(await this.#core.pools.get(TOOL_POOL, { signal }));
      if (missing === 0) return { up, missing, reasons: [] };
      if (obstacles.length > 0) return { up, missing, reasons: obstacles };
      const came = await watch.next();
      throwIfAborted(signal);
      if (came === undefined) {
        const late = `not up within ${formatDuration(WARM_DEADLINE)}`;
        return { up, missing, reasons: [late, ...causes] };
      }
      if (came.event.type === 'boot-failed') causes.add(came.event.cause);
    }
  }
}

/** Nothing but the warm instances, so that a tool never waits for more than another tool. */
function policyFor(size: number, image: string, { resources }: SandboxConfig): PoolPolicyInput {
  return {
    name: TOOL_POOL,
    warm: [{ image, count: size }],
    capacity: { min: 0, max: size, buffer_min: 0, buffer_max: 0 },
    on_empty: 'wait',
    reuse: 'sticky',
    ttl: 0,
    resources,
  };
}

/** @throws invalid_argument */
function assertFitsPool({ network, mounts, ttl }: SandboxConfig): void {
  const asked = [
    ...(network === 'host' ? ['network host'] : []),
    ...(mounts.length > 0 ? ['volumes'] : []),
    ...(ttl === undefined ? [] : ['a ttl']),
  ];
  if (asked.length === 0) return;
  throw new FsbError('invalid_argument', `the sandboxes of a pool cannot have ${asked.join(' and ')}`, {
    hint: 'Make one with POST /sandbox/create.',
  });
}
