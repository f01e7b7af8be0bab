import type { SystemInfo } from '../../api/core-api.ts';

/** That the pool server answers; the keys are those of the wire. */
export interface PoolServerHealth {
  status: 'healthy';
  healthy: true;
  version: string;
  /** Seconds since the core started. */
  uptime: number;
  active_sandboxes: number;
  system_info: Pick<SystemInfo, 'node' | 'runtime'>;
}

/** @param now milliseconds since the epoch */
export function healthOf(
  { version, startedAt, node, runtime }: SystemInfo,
  sandboxes: number,
  now: number,
): PoolServerHealth {
  const uptime = (now - startedAt) / 1000;
  return {
    ...{ status: 'healthy', healthy: true, version, uptime },
    active_sandboxes: sandboxes,
    system_info: { node, runtime },
  };
}
