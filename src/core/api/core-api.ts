import type { LogUsage, SetAside, SystemHealth, SystemUsage } from '../model/system.ts';
import type { ImageApi } from './image-api.ts';
import type { EventStream, PoolApi } from './pool-api.ts';
import type { CallOptions, SandboxApi } from './sandbox-api.ts';

/** What a core runs on. Of a core that is too old to say, numbers are 0 and texts empty. */
export interface MachineInfo {
  /** Logical ones. */
  cpus: number;
  /** Bytes. */
  memory: number;
  /** `6.1.0-18-amd64` */
  kernel: string;
  /** `Debian GNU/Linux 12 (bookworm)` */
  system: string;
  /** `amd64` */
  architecture: string;
}

/** What does not change while a core runs. */
export interface CoreFacts extends MachineInfo {
  version: string;
  /** Name of this core's agent. */
  node: string;
  pid: number;
  root: string;
  /** What boots instances, e.g. `runc 1.1.5`. */
  runtime: string;
  /** Where HTTP listens: `http://127.0.0.1:5758`. Empty when off. */
  http: string;
  metrics: string;
  /** `v1`, `hybrid` or `v2`. */
  cgroups: string;
  startedAt: number;
  /** What it was started with, as words of a command line; absent: it is embedded, or too old to say, or its caller is no administrator. */
  flags?: readonly string[];
}

export interface SystemInfo extends CoreFacts {
  /** Bytes that the logs of all sandboxes take on the disk. */
  logBytes: number;
}

export interface SystemApi {
  info(options?: CallOptions): Promise<SystemInfo>;
  /** What everything takes. It walks the files of all sandboxes, so it may take long. @throws run_failed */
  usage(options?: CallOptions): Promise<SystemUsage>;
  /** How the store, the disk and the last start are. */
  health(options?: CallOptions): Promise<SystemHealth>;
  /** The logs that are kept of deleted sandboxes, oldest first; their sizes are those at the deletion. */
  retainedLogs(options?: CallOptions): Promise<LogUsage[]>;
  /** Removes the logs of deleted sandboxes before their time; others are fine. @throws no_capacity, internal */
  removeLogs(sandboxIds: readonly string[], options?: CallOptions): Promise<void>;
  /** Removes what could not be read and was set aside. @returns what that was @throws no_capacity, internal */
  removeSetAside(options?: CallOptions): Promise<SetAside[]>;
  /** What happens to sandboxes, in pools and with images, in one order. */
  readonly events: EventStream;
}

/** Everything a core offers; what the command line holds, whichever core it is. */
export interface CoreApi extends AsyncDisposable {
  readonly sandboxes: SandboxApi;
  readonly pools: PoolApi;
  readonly images: ImageApi;
  readonly system: SystemApi;
  /** Frees the connection (remote) or stops the core (embedded). Idempotent. */
  close(): Promise<void>;
}
