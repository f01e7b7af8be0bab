import type { SandboxUsage } from '../model/sandbox/sandbox.ts';
import type { LogUsage, SetAside, SystemUsage } from '../model/system.ts';
import { timestamp } from './timestamp.ts';

/** What a running sandbox uses. */
export interface SandboxUsageView {
  name: string;
  namespace: string;
  id: string;
  /** When it was read. */
  time: string;
  /** Of all its processes since it started. */
  cpu_micros: number;
  memory_bytes: number;
  /** Processes and threads. */
  pids: number;
  limits: { cpus: number; memory_bytes: number; pids: number };
}

export const sandboxUsageView = (usage: SandboxUsage): SandboxUsageView => ({
  ...{ name: usage.name, namespace: usage.namespace, id: usage.id, time: timestamp(usage.time) },
  ...{ cpu_micros: usage.cpuMicros, memory_bytes: usage.memory, pids: usage.pids },
  limits: { cpus: usage.limits.cpus, memory_bytes: usage.limits.memory, pids: usage.limits.pids },
});

/** A log on the disk. */
export interface LogUsageView {
  sandbox_id: string;
  size_bytes: number;
  /** Null: the sandbox is there. */
  deleted: { namespace: string; name: string; at: string } | null;
}

export const logUsageView = ({ sandboxId, size, deleted }: LogUsage): LogUsageView => ({
  ...{ sandbox_id: sandboxId, size_bytes: size },
  deleted:
    deleted === undefined
      ? null
      : { namespace: deleted.namespace, name: deleted.name, at: timestamp(deleted.at) },
});

export const setAsideView = ({ path, size }: SetAside) => ({ path, size_bytes: size });

/** What everything takes on the disk. */
export interface SystemUsageView {
  images: { size_bytes: number; reclaimable_bytes: number; leftovers_bytes: number };
  instances: {
    id: string;
    pool: string;
    holder: SystemUsage['instances'][number]['holder'];
    sandbox_id: string | null;
    files_bytes: number;
    memory_bytes: number;
  }[];
  logs: LogUsageView[];
  records: { count: number; size_bytes: number };
  set_aside: { path: string; size_bytes: number }[];
  trash_bytes: number;
}

export const systemUsageView = (usage: SystemUsage): SystemUsageView => ({
  images: {
    size_bytes: usage.images.size,
    reclaimable_bytes: usage.images.reclaimable,
    leftovers_bytes: usage.images.leftovers,
  },
  instances: usage.instances.map(({ id, pool, holder, sandboxId, files, memory }) => ({
    ...{ id, pool, holder, sandbox_id: sandboxId ?? null, files_bytes: files, memory_bytes: memory },
  })),
  logs: usage.logs.map(logUsageView),
  records: { count: usage.records.count, size_bytes: usage.records.size },
  set_aside: usage.setAside.map(setAsideView),
  trash_bytes: usage.trash,
});
