import type { LogEntry, LogQuery } from '../model/logs.ts';
import type { ExitStatus, ProcessSession, TerminalSize } from '../model/process.ts';
import type { NodeLimits } from '../model/sandbox/node-limits.ts';
import type { SandboxRef } from '../model/sandbox/sandbox.ts';
import type { Resources } from '../model/sandbox/shape.ts';
import type { SandboxSpec } from '../model/sandbox/spec.ts';
import type { ImageApi } from './image-api.ts';
import type { EventStream, PoolApi } from './pool-api.ts';
import type { AttachRequest, CallOptions, ExecRequest } from './sandbox-api.ts';

export interface StartRequest {
  /** New for each generation; the key of the slot. */
  sandboxId: string;
  /** `namespace/name`, for people who read the node's records. */
  claimName: string;
  spec: SandboxSpec;
  /** As in CreateRequest. */
  imageDigest?: string;
  /** The ended sandbox whose files it takes over; they are the new one's from then on, also when the start fails. */
  filesOf?: string;
  /** Somebody attaches at once, for all of its output. */
  awaited?: boolean;
  /** What its terminal begins with, if it has one. */
  size?: TerminalSize;
}

/** The files of a sandbox that has ended, and what they lie in. */
export type FilesRequest = Pick<StartRequest, 'sandboxId' | 'claimName' | 'spec'>;

export interface AgentStopOptions {
  /** Milliseconds between the stop signal and SIGKILL. */
  grace: number;
  /** Undefined: that of its image, SIGTERM if it has none. */
  stopSignal?: number;
  /** Its files stay, until forget() or until another sandbox takes them over. */
  keepFiles: boolean;
}

/** What a sandbox was really given: what the spec left open is the pool's, or its image's. */
export interface GivenTerms {
  resources: Resources;
  /** Those of the image, and the spec's over them. */
  labels: Record<string, string>;
  /** Those of both, sorted. */
  exposed_ports: number[];
}

export interface StartedSandbox {
  /** Who runs it. */
  node: string;
  instance: string;
  /** An idle instance served it. */
  warm: boolean;
  endpoints: string[];
  given: GivenTerms;
  /** Milliseconds since the epoch. */
  startedAt: number;
}

/** What the node knows about one sandbox that it holds or held. */
export type AgentSandboxState =
  | { state: 'running'; startedAt: number; paused?: true }
  | { state: 'ended'; startedAt: number; endedAt: number; status: ExitStatus }
  /** The instance vanished and nobody saw the end; `startedAt`: of one that had begun. */
  | { state: 'lost'; reason: string; startedAt?: number };

export interface AgentUsage {
  /** Bytes. */
  memory: number;
  cpuMicros: number;
  pids: number;
}

export interface AgentSandbox {
  sandboxId: string;
  state: AgentSandboxState;
  /** For a core that comes back and did not see the answer to the start. */
  given?: GivenTerms;
}

/** What a watch of a node tells: `complete` when all that there was has been told. */
export type AgentNews =
  | { sandbox: AgentSandbox; complete?: undefined }
  | { complete: true; sandbox?: undefined };

/** Nothing on the node may have more than its limits. */
export interface AgentFacts extends NodeLimits {
  node: string;
}

/**
 * One node, as whoever runs nodes sees it: the agent in this process, or a client over the wire. Every rejection is an
 * FsbError; over a wire any call may be `unavailable`, and the same call can be made again when the node is back.
 */
export interface AgentApi {
  facts(options?: CallOptions): Promise<AgentFacts>;
  readonly pools: PoolApi;
  readonly images: ImageApi;
  readonly events: EventStream;
  /** Claims an instance and starts the main process in it. @throws no_capacity, not_found (image), run_failed, command_not_found, not_executable */
  start(request: StartRequest, options?: CallOptions): Promise<StartedSandbox>;
  /**
   * Ends the sandbox: the stop signal of its image (SIGTERM), `grace` milliseconds, SIGKILL, teardown. Idempotent;
   * unknown ids are fine. Resolves when no trace of the instance is left, or the first try to destroy it has failed, with
   * which its pool goes on; all of it goes on when the caller does not wait.
   * One that ends by itself keeps its files; when any call does not want them, they are not kept.
   * @throws no_capacity, unavailable: with its files it does not end before that is on record, which the disk refuses;
   * it ends by itself as soon as it can
   */
  stop(sandboxId: string, options: AgentStopOptions): Promise<void>;
  /** Freezes every process in it. Idempotent. @throws conflict (not running), run_failed */
  pause(sandboxId: string): Promise<void>;
  /** Idempotent. @throws conflict (not running), run_failed */
  unpause(sandboxId: string): Promise<void>;
  /** To the main process; a paused one gets it when it goes on, SIGKILL at once. @throws conflict (not running) */
  signal(sandboxId: string, signal: number): Promise<void>;
  /** Another `claimName` for a running sandbox; nothing for any other. */
  rename(sandboxId: string, claimName: string): Promise<void>;
  /** New limits of a running sandbox. @throws conflict (not running), invalid_argument, run_failed */
  update(sandboxId: string, resources: Resources): Promise<void>;
  /** Undefined: it does not run. */
  usage(sandboxId: string): Promise<AgentUsage | undefined>;
  exec(sandboxId: string, request: ExecRequest, options?: CallOptions): Promise<ProcessSession>;
  /**
   * Runs a guest tool on the files that an ended sandbox has left, in an instance that is there for nothing else. Whoever
   * takes them over by start() waits for it, forget() ends it. @throws conflict (there are none), as start() does
   */
  execOnFiles(files: FilesRequest, request: ExecRequest, options?: CallOptions): Promise<ProcessSession>;
  attach(sandboxId: string, request: AttachRequest, options?: CallOptions): Promise<ProcessSession>;
  logs(sandboxId: string, query: LogQuery, options?: CallOptions): AsyncIterable<LogEntry>;
  /** Bytes that its log takes on the disk; without an id, all logs of the node. */
  logBytes(sandboxId?: string): Promise<number>;
  /**
   * Ends the retention of the log, the files and the exit status, and whoever uses the files. Idempotent.
   * @param options.logOf the sandbox is deleted: where the node retains logs, this one stays for its time
   */
  forget(sandboxId: string, options?: { logOf?: SandboxRef }): Promise<void>;
  /**
   * Of the sandbox that was deleted last under this name, or whose id is or begins so: the id that logs() knows it by.
   * Undefined: nothing of it is retained. @throws conflict when several ids begin so
   */
  retainedLog(ref: SandboxRef): Promise<string | undefined>;
  /** Every sandbox the node holds, and every ended one not yet forgotten. */
  sandboxes(options?: CallOptions): Promise<AgentSandbox[]>;
  /**
   * What sandboxes() tells, then `complete`, then every end and loss, in order, until the caller leaves. Of a sandbox that
   * changes faster than it is read, the newest state.
   */
  watch(options?: CallOptions): AsyncIterable<AgentNews>;
}
