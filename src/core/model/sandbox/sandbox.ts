import type { PhaseState } from './phase.ts';
import type { Resources } from './shape.ts';
import type { SandboxSpec } from './spec.ts';

/** A name alone never identifies a run; within one namespace it is unique at any moment. */
export interface SandboxRef {
  namespace: string;
  name: string;
}

export const refKey = (ref: SandboxRef): string => `${ref.namespace}/${ref.name}`;

export interface SandboxEvent {
  /** Milliseconds since the epoch. */
  time: number;
  message: string;
}

/** Everything that is known about one sandbox: the durable record, and what `get` shows. */
export interface Sandbox {
  /** A new one for every generation. */
  id: string;
  namespace: string;
  name: string;
  /** Its first one and those of its last generations, oldest first: it is found by them, too. */
  earlierIds?: string[];
  /** Grows with each (re)start. */
  generation: number;
  spec: SandboxSpec;
  state: PhaseState;
  /** The agent that holds it, once bound. */
  node: string;
  /** `host:port` for each exposed port, once bound. */
  endpoints: string[];
  /** Milliseconds since the epoch. */
  createdAt: number;
  /** Milliseconds since the epoch; 0: never. With a ttl as it was foreseen: the wall clock may have jumped since. */
  expiresAt: number;
  /** When a ttl is over, on the monotonic clock; only in the core that has it, and in its record. */
  ttlEnd?: number;
  /** The warm pool had an instance ready. Undefined before it is bound. */
  warm?: boolean;
  /** The key of the create call, when it had one. */
  idempotencyKey?: string;
  /** Of the spec that came with the key; a record of an earlier version has none. */
  requestDigest?: string;
  /** It goes with its run: see CreateRequest. */
  autoRemove?: true;
  /** Nobody is waited for before it goes: see CreateRequest. */
  detached?: true;
  /** The name that it was created with, when it has another one now. */
  createdAs?: string;
  /**
   * The generation before, from the moment in which this one is recorded until the node has begun it; `files`: it is to
   * take them over. It stays when the core is killed in between: the files are still those of the generation before.
   * `lost`: why that one was lost, where this one is its recreation, which the next core brings to its end.
   */
  previous?: { id: string; files: boolean; lost?: string };
  /** The revision with which it was reset last, if any had one. */
  resetRevision?: string;
  /** When it began to run, on the monotonic clock; only in the core that has it, and in its record. */
  began?: number;
  /** How often it was recreated in a row, by nobody's call, without having run well in between. */
  recreated?: number;
  /** The last few, oldest first. */
  events: SandboxEvent[];
  /** Bytes that its log takes on the disk. Not on record: `get` looks. */
  logBytes?: number;
}

/** What a running sandbox uses. */
export interface SandboxUsage extends SandboxRef {
  id: string;
  /** When it was read, milliseconds since the epoch. */
  time: number;
  /** Microseconds of processor time of all its processes since it started. */
  cpuMicros: number;
  /** Bytes. */
  memory: number;
  /** Processes and threads. */
  pids: number;
  limits: Resources;
}
