import type { LogEntry, LogQuery } from '../model/logs.ts';
import type { ExitStatus, MainPlace, ProcessSession, TerminalSize } from '../model/process.ts';
import type { Phase } from '../model/sandbox/phase.ts';
import type { Sandbox, SandboxRef, SandboxUsage } from '../model/sandbox/sandbox.ts';
import type { Resources } from '../model/sandbox/shape.ts';
import type { SandboxSpecInput } from '../model/sandbox/spec.ts';

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
  /**
   * Of the image that `spec.image` is to be, whatever that name means by now: what a pull has just brought. No part of
   * what makes two requests the same.
   */
  imageDigest?: string;
  /** The same key with the same request gives the same sandbox, with another one `conflict`. */
  idempotencyKey?: string;
  /**
   * It is deleted once its main process has ended and nobody has been attached to it, or read its log, for ten seconds: a
   * caller who is there for that deletes it at once. What is started again meanwhile stays until its next end.
   */
  autoRemove?: boolean;
  /**
   * True, with `autoRemove`: its caller does not attach, so nobody is waited for once it has ended. False: its caller attaches at
   * once, with `replay`, and for ten seconds it is held back for that before it has said more than its log keeps. No part of
   * what is the same.
   */
  detached?: boolean;
  /** With `tty`: what its terminal begins with. No part of what is the same, nor kept for later starts. */
  size?: TerminalSize;
}

export interface StartOptions extends CallOptions {
  /** With `tty`: what its terminal begins with. */
  size?: TerminalSize;
}

export interface ListQuery {
  /** Undefined: every namespace. */
  namespace?: string;
  labels?: Record<string, string>;
  phases?: Phase[];
}

export interface PageQuery extends ListQuery {
  /** Undefined or 0: all. */
  limit?: number;
  /** `next` of the page before, with the same filters; undefined: from the beginning. */
  token?: string;
  /** Of these alone, whatever else is asked for: what a caller may see. No client can say it. Undefined: of all. */
  within?: readonly string[];
}

export interface SandboxPage {
  /** By namespace, then name. */
  items: Sandbox[];
  /** Undefined: this is the last page. */
  next?: string;
  /** When the list was begun, the same on each of its pages: a watch from here on misses nothing. */
  revision: string;
}

export interface WatchQuery {
  /** Undefined: every namespace. */
  namespace?: string;
  labels?: Record<string, string>;
  /** Of a list or an earlier watch: only changes after it. Undefined: first what there is, then `complete`. */
  revision?: string;
}

/** What a watch tells: what is, at the moment in which it is told. `revision`: to go on from; empty before `complete`. */
export type SandboxNews = { revision: string } & (
  | { sandbox: Sandbox; removed?: undefined }
  /** There is none with this id any more, or it does not fit any more; the watcher need not have heard of it. */
  | { removed: SandboxRef & { id: string }; sandbox?: undefined }
  | { complete: true; sandbox?: undefined; removed?: undefined }
);

export interface DeleteOptions extends CallOptions {
  /** Milliseconds between SIGTERM and SIGKILL; undefined: the sandbox's own grace period. */
  grace?: number;
  /** False: answer when the name is free; the teardown goes on. Default true: answer when nothing is left. */
  wait?: boolean;
}

export interface StopOptions extends CallOptions {
  /** Milliseconds between the stop signal and SIGKILL; undefined: the sandbox's own grace period. */
  grace?: number;
  /** 1 to 64; undefined: that of the image, SIGTERM if it has none. */
  stopSignal?: number;
}

export interface ResetOptions extends StopOptions {
  /** Of the caller's choice, 255 characters at most: the one that the last reset had changes nothing. Undefined or empty: always resets. */
  revision?: string;
}

/** What is left out stays. */
export interface SandboxChange {
  /** Unix seconds; 0: never expires. */
  expireTime?: number;
  /** Milliseconds from now on; 0: never expires. */
  ttl?: number;
  /** Manual or AutoRecreate, in any case. */
  failurePolicy?: string;
  recoveryTimeoutSeconds?: number;
  /** Null takes a label off. */
  labels?: Record<string, string | null>;
  resources?: Partial<Resources>;
  /** As of a CreateRequest, from now on: whoever has created it has left it. Nothing to one without `autoRemove`. */
  detached?: true;
}

export interface UsageQuery {
  /** Undefined: every namespace. */
  namespace?: string;
  /** Only these; undefined: all that run. */
  names?: string[];
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
  /**
   * With `stdin`: that is all the input there is. The main process reads end-of-file in twelve seconds after nobody feeds it any
   * more, however that came about. Not where it has a terminal, which people leave and come back to.
   */
  stdinOnce?: boolean;
  /** Deliver the output from its beginning; false: only what comes from now on. */
  replay: boolean;
  /** Deliver it from there on, whatever `replay` says, of that very sandbox, by whatever name; also of one that has ended, or is paused. */
  from?: MainPlace;
  size?: TerminalSize;
}

/**
 * Sandboxes, as whoever wants them sees them. The controller is one in this process; the remote client is one over
 * gRPC and WebSocket; test/contract holds both to the same behaviour.
 */
export interface SandboxApi {
  /**
   * Resolves when the main process runs (spec `consistency_mode: strong`: and the record is durable). A caller who leaves
   * before that leaves nothing: the start ends with the last of those who wait for it.
   * @throws invalid_argument, already_exists, not_found (pool), image_not_found (also of `imageDigest`), no_capacity,
   *   conflict (the idempotency key is of another request), run_failed, command_not_found, not_executable
   */
  create(request: CreateRequest, options?: CallOptions): Promise<Sandbox>;
  /** @throws not_found */
  get(ref: SandboxRef, options?: CallOptions): Promise<Sandbox>;
  /** Sorted by namespace, then name. */
  list(query: ListQuery, options?: CallOptions): Promise<Sandbox[]>;
  /** As list(), in pages: none that stays is told twice or left out, whatever changes in between. @throws invalid_argument */
  page(query: PageQuery, options?: CallOptions): Promise<SandboxPage>;
  /**
   * Every change, in order, until the caller leaves; of several quick ones perhaps only what came out of them.
   * @throws invalid_argument, outdated (the revision is too old, or of another core; the reader is too slow): list again
   */
  watch(query: WatchQuery, options?: CallOptions): AsyncIterable<SandboxNews>;
  /** @throws not_found; a second caller waits for the same end */
  delete(ref: SandboxRef, options?: DeleteOptions): Promise<void>;
  /** Works on ended sandboxes too, and on deleted ones whose log is retained. @throws not_found */
  logs(ref: SandboxRef, query: LogQuery, options?: CallOptions): AsyncIterable<LogEntry>;
  /**
   * A guest tool that needs nothing but files (`stat`, `tar-in`, `tar-out`) runs on those of an ended sandbox, too.
   * @throws not_found, conflict (not running, paused; no files), command_not_found, not_executable
   */
  exec(ref: SandboxRef, request: ExecRequest, options?: CallOptions): Promise<ProcessSession>;
  /**
   * Joins the main process. Its output is held back to the pace of this session, so nothing is lost. On an ended
   * sandbox with `replay` it delivers the log and the status. @throws not_found (also: `from` is of another one), conflict
   */
  attach(ref: SandboxRef, request: AttachRequest, options?: CallOptions): Promise<ProcessSession>;
  /** Resolves when the main process has ended. @throws not_found, run_failed (Failed, Lost, Expired, deleted) */
  wait(ref: SandboxRef, options?: CallOptions): Promise<ExitStatus>;
  /**
   * Ends the main process; record, log and files stay. Resolves when it has ended; one that ended before is fine.
   * @throws not_found; no_capacity, unavailable: as AgentApi.stop
   */
  stop(ref: SandboxRef, options?: StopOptions): Promise<Sandbox>;
  /**
   * Runs an ended sandbox again: a new generation, with the files of the last one. One that runs is fine.
   * @throws not_found, and as create
   */
  start(ref: SandboxRef, options?: StartOptions): Promise<Sandbox>;
  /** Stops it when it runs, and starts it. @throws not_found, and as create */
  restart(ref: SandboxRef, options?: StopOptions): Promise<Sandbox>;
  /** Ends it when it runs, and begins anew from the image: a new generation. @throws not_found, and as create */
  reset(ref: SandboxRef, options?: ResetOptions): Promise<Sandbox>;
  /** Freezes every process in it. @throws not_found, conflict (not running, paused already) */
  pause(ref: SandboxRef, options?: CallOptions): Promise<Sandbox>;
  /** @throws not_found, conflict (not paused) */
  unpause(ref: SandboxRef, options?: CallOptions): Promise<Sandbox>;
  /** Sends a signal, 1..64, to the main process; SIGKILL ends everything. @throws not_found, conflict (not running) */
  signal(ref: SandboxRef, signal: number, options?: CallOptions): Promise<void>;
  /** @throws not_found, already_exists, invalid_argument */
  rename(ref: SandboxRef, name: string, options?: CallOptions): Promise<Sandbox>;
  /** All of it or nothing. Resources of an ended one count from its next start. @throws not_found, invalid_argument */
  update(ref: SandboxRef, change: SandboxChange, options?: CallOptions): Promise<Sandbox>;
  /** What they use at this moment, by namespace and name; those that do not run are left out. @throws not_found */
  usage(query: UsageQuery, options?: CallOptions): Promise<SandboxUsage[]>;
}
