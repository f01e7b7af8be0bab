import type { RootFilesystem } from '../model/image/image.ts';
import type { Resources, Shape } from '../model/sandbox/shape.ts';

/** What a driver found on this machine; `doctor` prints it. */
export interface RuntimeProbe {
  /** Name for the shape: `runc`, `crun`. */
  name: string;
  available: boolean;
  /** `1.1.5`; empty when it is not there. */
  version: string;
  /** How the node's cgroups are set up: `v1`, `hybrid`, `v2`; empty when there are none. */
  cgroups: string;
  /** Why it cannot be used, and what to do about it; empty when available. */
  problem: string;
  hint: string;
}

export interface BootRequest {
  /** newInstanceId(); that of the earlier instance when it is one again, whose files are there and stay if this fails. */
  id: string;
  shape: Shape;
  root: RootFilesystem;
  /** Nobody waits for it until this fires: it gives way to everything else. Once booted it has the usual priority. */
  lowUntil?: AbortSignal;
}

/** Where the guest listens, and which process it is. */
export interface BootedInstance {
  id: string;
  /** Unix socket on the node; fsb-init listens on it before boot() returns. */
  channelPath: string;
  /** PID 1 of the instance as the node sees it; a pid alone may be reused, with the start time it may not. */
  pid: number;
  /** Field 22 of /proc/PID/stat, clock ticks since the node booted. */
  pidStartTime: number;
}

export interface RuntimeInstance extends BootedInstance {
  /** PID 1 is that very process and is not a zombie. */
  alive: boolean;
  /** Nothing is left of it but what was written in it. */
  onlyFiles: boolean;
}

export interface DestroyOptions {
  /** All but what was written in it, for an instance that is it again. */
  keepFiles?: boolean;
}

export interface InstanceStats {
  /** Bytes. */
  memory: number;
  cpuMicros: number;
  pids: number;
  /** How often the kernel killed a process of the instance for memory. */
  oomKills: number;
}

/** What boots instances. Everything else goes over the guest channel, once, for every driver. */
export interface RuntimeDriver {
  readonly name: string;
  probe(): Promise<RuntimeProbe>;
  /** @throws run_failed with what the runtime said. Leaves nothing behind when it throws or is aborted. */
  boot(request: BootRequest, signal?: AbortSignal): Promise<BootedInstance>;
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  update(id: string, resources: Resources): Promise<void>;
  stats(id: string): Promise<InstanceStats>;
  /** SIGKILL to everything in it at once; resolves when the signal is sent. Idempotent. */
  kill(id: string): Promise<void>;
  /** Kills, and removes every process, mount, cgroup, directory and socket. Idempotent; fine for ids that never were. */
  destroy(id: string, options?: DestroyOptions): Promise<void>;
  /** Everything of this driver that is on the node, also half-booted and half-destroyed instances. */
  list(): Promise<RuntimeInstance[]>;
}
