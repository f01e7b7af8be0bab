import { DEFAULT_POOL } from '../../../core/model/ids.ts';
import type { CorePaths } from '../../../core/model/paths.ts';
import type { CoreStatus } from '../../../core/root/status-file.ts';
import { timestamp } from '../../../core/view/timestamp.ts';
import type { Listing } from '../../output/output.ts';

/** `daemon status` as `-o json` shows it; null for what only a running core has. */
export interface DaemonView {
  running: boolean;
  pid: number | null;
  /** `unix:///run/fsb/fsb.sock` */
  endpoint: string;
  /** `http://127.0.0.1:5758`; null when off. */
  http: string | null;
  metrics: string | null;
  /** `tcp://127.0.0.1:9090`, for --host; null when off. */
  grpc: string | null;
  version: string | null;
  runtime: string | null;
  root: string;
  started_at: string | null;
  log: string;
}

export function daemonView(status: CoreStatus | undefined, paths: CorePaths): DaemonView {
  return {
    running: status !== undefined,
    pid: status?.pid ?? null,
    endpoint: `unix://${paths.grpcSocket}`,
    http: status?.http || null,
    metrics: status?.metrics || null,
    grpc: status?.grpc || null,
    version: status?.version ?? null,
    runtime: status?.runtime ?? null,
    root: paths.root,
    started_at: status === undefined ? null : timestamp(status.startedAt),
    log: paths.log,
  };
}

/** What to tell whoever has started a core of what it does otherwise than they may expect; undefined: nothing. */
export function surprises(status: CoreStatus): string | undefined {
  const lines = [movedPorts(status), unwarmed(status)].filter((line) => line !== undefined);
  return lines.length === 0 ? undefined : lines.join('\n');
}

const unwarmed = ({ unwarmed: images }: CoreStatus): string | undefined =>
  images &&
  `${DEFAULT_POOL} no longer keeps ${images.join(', ')} warm: --warm replaces the list that it had.`;

/** Who expects it at the usual ports does not find it there. */
const movedPorts = ({ moved, http, metrics }: CoreStatus): string | undefined =>
  moved &&
  `Warning: ${moved}; perhaps another core has it. This core listens on ${[http, metrics].filter(Boolean).join(' and ')} instead. Choose its ports with --http and --metrics.`;

export function daemonListing(status: CoreStatus | undefined, paths: CorePaths): Listing<DaemonView> {
  return {
    items: [daemonView(status, paths)],
    single: true,
    columns: [],
    name: (view) => view.endpoint,
    describe: (view) =>
      Object.entries(view)
        .filter(([, value]) => value !== null)
        .map(([key, value]) => `${`${key}:`.padEnd(12)}${value}\n`)
        .join(''),
  };
}
