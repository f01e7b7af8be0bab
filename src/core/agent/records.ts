import type { ExitStatus, ProcessSpec } from '../model/process.ts';
import type { Shape } from '../model/shape.ts';

/**
 * The ledger: one record for each instance of this node, written before it is booted and removed after it is
 * destroyed, so that a crash at any step leaves a trace to clean up.
 */
export interface InstanceRecord {
  shape: Shape;
  /** The sandbox that holds it; undefined while it is booting or idle. */
  sandboxId?: string;
}

/** A slot: what the node knows about one sandbox, from its start until it is forgotten. */
export interface SlotRecord {
  /** `namespace/name`, for people. */
  claimName: string;
  instance: string;
  startedAt: number;
  /** What execs inherit from. */
  process: ProcessSpec;
  end?: SlotEnd;
}

export type SlotEnd =
  | { kind: 'exited'; at: number; status: ExitStatus }
  /** The instance vanished and nobody saw the end. */
  | { kind: 'lost'; at: number; reason: string };

export const INSTANCE_RECORD_VERSION = 1;
export const SLOT_RECORD_VERSION = 1;

/** The main process of every sandbox has this id on the guest channel; execs count on from here. */
export const MAIN_PROCESS = 1;
