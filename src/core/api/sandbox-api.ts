import type { LogEntry, LogQuery } from '../model/logs.ts';
import type { Phase } from '../model/phase.ts';
import type { ExitStatus, ProcessSession, TerminalSize } from '../model/process.ts';
import type { Sandbox, SandboxRef } from '../model/sandbox.ts';
import type { SandboxSpecInput } from '../model/spec.ts';

/** Every call can be cancelled; a deadline is an AbortSignal too. Every rejection is an FsbError. */
export interface CallOptions {
  signal?: AbortSignal;
}

export interface CreateRequest {
  namespace: string;
  /** Empty: `sb-<random>`. */
  name: string;
  /** Validated by the core; unknown keys are errors. */
  spec: SandboxSpecInput;
  /** The same key with the same request gives the same sandbox. */
  idempotencyKey?: string;
}

export interface ListQuery {
  /** Undefined: every namespace. */
  namespace?: string;
  labels?: Record<string, string>;
  phases?: Phase[];
}

export interface DeleteOptions extends CallOptions {
  /** Milliseconds between SIGTERM and SIGKILL; undefined: the sandbox's own grace period. */
  grace?: number;
  /** False: answer when the name is free; the teardown goes on. Default true: answer when nothing is left. */
  wait?: boolean;
}

export interface ExecRequest {
  argv: string[];
  /** Added to the sandbox's own environment. */
  env: Record<string, string>;
  /** Empty: the sandbox's own. */
  cwd: string;
  /** Empty: the sandbox's own. */
  user: string;
  tty: boolean;
  stdin: boolean;
  /** No streams; the call returns once the process was started. */
  detach?: boolean;
  size?: TerminalSize;
  /**
   * argv[0] is a tool of fsb-init (guest/PROTOCOL.md has them): it runs as root, whatever the image is, without the
   * sandbox's environment, and never on a terminal.
   */
  guestTool?: true;
}

export interface AttachRequest {
  /** Send this session's input to the main process; it must have been created with `stdin`. */
  stdin: boolean;
  /** Deliver the output from its beginning; false: only what comes from now on. */
  replay: boolean;
  size?: TerminalSize;
}

/**
 * Sandboxes, as whoever wants them sees them. The controller is one in this process; the remote client is one over
 * gRPC and WebSocket; test/contract holds both to the same behaviour.
 */
export interface SandboxApi {
  /** Resolves when the main process runs (spec `consistency_mode: strong`: and the record is durable). */
  create(request: CreateRequest, options?: CallOptions): Promise<Sandbox>;
  /** @throws not_found */
  get(ref: SandboxRef, options?: CallOptions): Promise<Sandbox>;
  /** Sorted by namespace, then name. */
  list(query: ListQuery, options?: CallOptions): Promise<Sandbox[]>;
  /** @throws not_found; a second caller waits for the same end */
  delete(ref: SandboxRef, options?: DeleteOptions): Promise<void>;
  /** Works on ended sandboxes too. @throws not_found */
  logs(ref: SandboxRef, query: LogQuery, options?: CallOptions): AsyncIterable<LogEntry>;
  /** @throws not_found, conflict (not running), command_not_found, not_executable */
  exec(ref: SandboxRef, request: ExecRequest, options?: CallOptions): Promise<ProcessSession>;
  /**
   * Joins the main process. Its output is held back to the pace of this session, so nothing is lost. On an ended
   * sandbox with `replay` it delivers the log and the status. @throws not_found, conflict
   */
  attach(ref: SandboxRef, request: AttachRequest, options?: CallOptions): Promise<ProcessSession>;
  /** Resolves when the main process has ended. @throws not_found, run_failed (Failed, Lost, Expired, deleted) */
  wait(ref: SandboxRef, options?: CallOptions): Promise<ExitStatus>;
}
