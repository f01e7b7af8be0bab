import type { FsbError } from '../model/failure/errors.ts';
import type { ProcessSession, ProcessSpec, StreamName } from '../model/process.ts';

/** A process as the guest channel holds it. Nothing is lost while nobody is connected: see guest/PROTOCOL.md. */
export interface GuestProcess extends ProcessSession {
  /** Chosen by the core, unique within the instance, never 0. */
  readonly id: number;
  /** As seen inside the guest. */
  readonly pid: number;
  /** False: it has no input, has closed it, or the guest has had its end, and all that came before. */
  readonly takesInput: boolean;
  /** @param scope the process alone, or (the default) its whole process group */
  signal(signal: number, scope?: 'process' | 'group'): void;
  /**
   * Tells the guest that the exit status is safe; it then forgets the process. Without it a later core hears of the
   * exit again. Idempotent.
   */
  acknowledgeExit(): void;
}

/** A process that the guest knew before this channel was opened. */
export interface KnownProcess {
  id: number;
  pid: number;
  running: boolean;
  tty: boolean;
  /** The first byte of each stream that the guest still has. */
  retained: Record<StreamName, number>;
}

export interface GuestChannel extends AsyncDisposable {
  /** What lived, or ended unacknowledged, when the channel was opened. */
  readonly known: readonly KnownProcess[];
  /** Resolves when the channel is gone, with the reason; the instance is dead or unreachable then. */
  readonly closed: Promise<Error>;
  /** The same by a call, in a later step; it costs less than a promise. */
  onClosed(listener: (reason: Error) => void): void;
  /** @throws command_not_found, not_executable, run_failed (with the guest's reason), invalid_argument (unknown user) */
  spawn(id: number, spec: ProcessSpec, signal?: AbortSignal): Promise<GuestProcess>;
  /** Takes up a known process; its output continues at these offsets. */
  resume(id: number, from: Record<StreamName, number>): GuestProcess;
  /** Resolves when the guest answered. @throws timeout, run_failed */
  ping(timeoutMs: number): Promise<void>;
  /** Sends a signal to every process of the guest but its PID 1. */
  signalAll(signal: number): void;
  /**
   * SIGKILL to every process of the guest but its PID 1; resolves when all that were started through a channel are gone
   * and forgotten, so that their ids are free. What they started may end a little later.
   */
  scrub(): Promise<void>;
  /**
   * The guest is about to be ended: whatever closes the channel from now on, its users hear `end` instead of what was
   * seen of it. The first one counts.
   */
  foretell(end: FsbError): void;
  /** Drops the connection; the guest and its processes live on. Idempotent. */
  close(): Promise<void>;
}

/** Connects and shakes hands. @throws run_failed when there is no guest or it does not speak the protocol. */
export type OpenChannel = (
  path: string,
  options: { timeoutMs: number; signal?: AbortSignal },
) => Promise<GuestChannel>;
