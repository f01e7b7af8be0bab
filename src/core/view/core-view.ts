import type { SystemInfo } from '../api/core-api.ts';
import { timestamp } from './timestamp.ts';

/** The core itself, in `info -o json`. */
export interface CoreView {
  version: string;
  node: string;
  pid: number;
  root: string;
  runtime: string;
  cgroups: string;
  /** Null when off. */
  http: string | null;
  metrics: string | null;
  started_at: string;
  /** Of its machine; null here and below: a core that is too old to say. */
  cpus: number | null;
  memory_bytes: number | null;
  kernel: string | null;
  system: string | null;
  architecture: string | null;
  /** Of all logs of sandboxes, on the disk. */
  log_bytes: number;
}

export const coreView = (info: SystemInfo): CoreView => ({
  version: info.version,
  node: info.node,
  pid: info.pid,
  root: info.root,
  runtime: info.runtime,
  cgroups: info.cgroups,
  http: info.http || null,
  metrics: info.metrics || null,
  started_at: timestamp(info.startedAt),
  cpus: info.cpus || null,
  memory_bytes: info.memory || null,
  kernel: info.kernel || null,
  system: info.system || null,
  architecture: info.architecture || null,
  log_bytes: info.logBytes,
});
