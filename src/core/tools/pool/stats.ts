import type { Lease, PoolDetails } from '../../model/pool/pool.ts';
import { toolNames } from '../registry.ts';
import { type SandboxView, viewOfInstance, viewOfLease } from './sandbox-view.ts';
import { TOOL_POOL, warmCount } from './tool-pool.ts';

/** Every sandbox of the pool server: those that are kept, and the instances of its pool. */
export function sandboxViews(kept: Lease[], pool: PoolDetails | undefined, now: number): SandboxView[] {
  const instances = pool?.instances ?? [];
  return [...kept.map(viewOfLease), ...instances.map((instance) => viewOfInstance(instance, TOOL_POOL, now))];
}

/** Totals; the keys are those of the wire. */
export interface PoolServerStats {
  manager_type: 'fsb-ctl';
  running: true;
  /** Seconds since the core started. */
  uptime: number;
  total_sandboxes: number;
  /** How many sandboxes are in each status. */
  status_counts: Record<string, number>;
  /** Warm instances that the pool is to have. */
  pool_size: number;
  pool_initialized: boolean;
  /** Null: not initialised. */
  pool: Pick<PoolDetails, 'state' | 'idle' | 'claimed' | 'booting' | 'stopping' | 'waiting'> | null;
  tools: readonly string[];
}

/** @param uptime seconds */
export function statsOf(
  views: SandboxView[],
  pool: PoolDetails | undefined,
  uptime: number,
): PoolServerStats {
  const counts: Record<string, number> = {};
  for (const { status } of views) counts[status] = (counts[status] ?? 0) + 1;
  return {
    manager_type: 'fsb-ctl',
    running: true,
    uptime,
    total_sandboxes: views.length,
    status_counts: counts,
    pool_size: pool === undefined ? 0 : warmCount(pool.policy),
    pool_initialized: pool !== undefined,
    pool: pool === undefined ? null : totalsOf(pool),
    tools: toolNames,
  };
}

const totalsOf = ({ state, idle, claimed, booting, stopping, waiting }: PoolDetails) => ({
  state,
  idle,
  claimed,
  booting,
  stopping,
  waiting,
});
