import type { GivenTerms } from '../../api/agent-api.ts';
import type { Said } from '../../logs/log-store.ts';
import { DEFAULT_POOL } from '../../model/ids.ts';
import type { Lease } from '../../model/pool/pool.ts';
import type { ExitStatus, ProcessSpec, StreamName } from '../../model/process.ts';
import type { Shape } from '../../model/sandbox/shape.ts';

/**
 * The ledger: one record for each instance of this node, written before it is booted and removed after it is
 * destroyed, so that a crash at any step leaves a trace to clean up.
 */
export interface InstanceRecord {
  shape: Shape;
  /** The pool that booted it. */
  pool: string;
  /** Who has it; undefined while it is booting or idle. */
  use?: InstanceUse;
}

export type InstanceUse =
  | { by: 'sandbox'; sandboxId: string }
  | { by: 'lease'; lease: LeaseRecord }
  /** A one-shot run, which ends with the core. */
  | { by: 'run' }
  /**
   * It is gone, or about to go, but for the files: those belong to a sandbox that has ended. Its log was to follow them from
   * that of `logOf`, and may be under either id; undefined: it is under its own.
   */
  | { by: 'files'; sandboxId: string; logOf?: string }
  /** It is being given back: what its last holder left in it may still be there. */
  | { by: 'nobody' };

/** What is needed to take a lease up again. */
export interface LeaseRecord extends Omit<Lease, 'pool' | 'instance' | 'running'> {
  surroundings: Surroundings;
}

/** What an exec starts from, before what the request says. */
export type Surroundings = Pick<ProcessSpec, 'env' | 'cwd' | 'user'>;

/** A slot: what the node knows about one sandbox, from its start until it is forgotten. */
export interface SlotRecord {
  /** `namespace/name`, for people. */
  claimName: string;
  instance: string;
  startedAt: number;
  /** Bytes of each stream that earlier generations have in its log; undefined: none. */
  logBegin?: Readonly<Record<StreamName, number>>;
  /** What execs inherit from. */
  process: ProcessSpec;
  /** What it was given; absent in the record of an earlier version. */
  given?: GivenTerms;
  /** Its limits were changed, or are about to be: those of the kernel may be others than these, when a core was killed. */
  resized?: true;
  /** Which signal asks the main process to end; undefined: SIGTERM. */
  stopSignal?: number;
  /** What the kernel had killed for memory in the instance before the sandbox came; undefined: nothing. */
  earlierKills?: number;
  /** Every process in it is frozen, or about to be. */
  paused?: true;
  /** Its input ends when nobody feeds it any more: a client ran it for its own input, and may be gone. */
  stdinOnce?: true;
  end?: SlotEnd;
}

export type SlotEnd = (
  | { kind: 'exited'; at: number; status: ExitStatus }
  /** The instance vanished and nobody saw the end. */
  | { kind: 'lost'; at: number; reason: string }
) & {
  /**
   * Bytes of each stream that its log has had by then, with those of earlier generations; undefined: no core saw it end, or
   * an earlier version.
   */
  said?: Readonly<Record<StreamName, number>>;
};

/** What a log has had, as the record of the sandbox has it. */
export const saidBy = (slot: Pick<SlotRecord, 'end'> | undefined): Said | undefined =>
  slot?.end?.said && { offsets: slot.end.said, until: slot.end.at };

export const INSTANCE_RECORD_VERSION = 2;
export const SLOT_RECORD_VERSION = 1;

/** Layout 1 knew one pool, and no other use than by a sandbox. */
export function upgradeInstanceRecord(value: unknown, from: number): InstanceRecord | undefined {
  if (from !== 1) return undefined;
  const { shape, sandboxId } = value as { shape: Shape; sandboxId?: string };
  return {
    shape,
    pool: DEFAULT_POOL,
    ...(sandboxId === undefined ? {} : { use: { by: 'sandbox', sandboxId } }),
  };
}

/** The main process of every sandbox has this id on the guest channel; execs count on from here. */
export const MAIN_PROCESS = 1;
