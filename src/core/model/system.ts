import type { SandboxRef } from './sandbox/sandbox.ts';

/** What a core takes, and how it is. All sizes in bytes; those of files are what they take on the disk. */

/** Of a start: what became of what the core before had left. */
export interface RecoveryResult {
  /** Sandboxes that still run. */
  running: number;
  leases: number;
  /** Warm instances that are used again. */
  idle: number;
  /** Ended sandboxes whose files are kept. */
  files: number;
  destroyed: number;
  /** Sandboxes whose instance was gone. */
  lost: number;
  /** Instances that could neither be taken up nor destroyed. */
  failed: number;
}

/** An instance of an earlier core of which it is not known yet what becomes of it. It lives on meanwhile. */
export interface UnsettledInstance {
  instance: string;
  /** Whose it is, where that is known, for whoever may enter all namespaces. */
  sandboxId?: string;
  reason: string;
}

/** Who has an instance: `files` is a sandbox that has ended, of which only these are left. */
export type InstanceHolder = 'sandbox' | 'files' | 'lease' | 'run' | 'idle' | 'nobody';

export interface InstanceUsage {
  id: string;
  /** Empty for one that no record wants. */
  pool: string;
  holder: InstanceHolder;
  /** Of `sandbox` and `files`, for whoever may enter all namespaces. */
  sandboxId?: string;
  /** Of what was written in it. */
  files: number;
  /** 0 for one that does not run. */
  memory: number;
}

export interface LogUsage {
  sandboxId: string;
  size: number;
  /** The sandbox is deleted, and its log is kept for a while; `at`: wall clock, milliseconds. */
  deleted?: SandboxRef & { at: number };
}

/** Something that could not be read, and was put beside what took its place. */
export interface SetAside {
  /** Absolute path; records within the store have the name of their table behind it. */
  path: string;
  size: number;
}

export interface SystemUsage {
  images: {
    size: number;
    /** Of the images that nothing uses. What they share with one that is used is not in it. */
    reclaimable: number;
    /** What interrupted pulls have left. */
    leftovers: number;
  };
  instances: InstanceUsage[];
  logs: LogUsage[];
  records: { count: number; size: number };
  setAside: SetAside[];
  /** Files that are being removed. */
  trash: number;
}

export interface SystemHealth {
  records: {
    count: number;
    size: number;
    /** The last write that failed. */
    failure?: { at: number; message: string /** Others have gone well since then. */; over: boolean };
  };
  setAside: SetAside[];
  /** Bytes of the logs of all sandboxes. */
  logs: number;
  /** Ids of sandboxes of whose log files are gone or cannot be read, in order; for whoever may enter all namespaces. */
  damagedLogs: string[];
  /** Of the file system that the state is on; `free` is what is left for the core. */
  disk: { free: number; total: number };
  recovery: RecoveryResult;
  unsettled: UnsettledInstance[];
  /** Ids of instances that nobody has any more, and that could not be destroyed yet, or not all of their files. */
  stuck: string[];
}
