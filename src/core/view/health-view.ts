import type { RecoveryResult, SystemHealth } from '../model/system.ts';
import { timestamp } from './timestamp.ts';

/** How the core is, in `info -o json`. */
export interface HealthView {
  records: {
    count: number;
    size_bytes: number;
    /** The last write that failed. `over`: others have gone well since then. */
    failure: { at: string; message: string; over: boolean } | null;
  };
  set_aside: { path: string; size_bytes: number }[];
  logs_bytes: number;
  damaged_logs: string[];
  disk: { free_bytes: number; total_bytes: number };
  recovery: RecoveryResult;
  unsettled: { instance: string; sandbox_id: string | null; reason: string }[];
  stuck: string[];
}

export function healthView(health: SystemHealth): HealthView {
  const { records, setAside, logs, damagedLogs, disk, recovery, unsettled, stuck } = health;
  const { count, size, failure } = records;
  return {
    records: {
      ...{ count, size_bytes: size },
      failure: failure === undefined ? null : { ...failure, at: timestamp(failure.at) },
    },
    set_aside: setAside.map((each) => ({ path: each.path, size_bytes: each.size })),
    logs_bytes: logs,
    damaged_logs: [...damagedLogs],
    disk: { free_bytes: disk.free, total_bytes: disk.total },
    recovery: { ...recovery },
    unsettled: unsettled.map(({ instance, sandboxId = null, reason }) => ({
      ...{ instance, sandbox_id: sandboxId, reason },
    })),
    stuck: [...stuck],
  };
}
