import type { ErrorBody } from '../../../model/failure/errors.ts';
import type { Launched } from '../../launch.ts';
import type { SharedBudget } from '../budget.ts';

/** What one thread is told, and what it answers; one layer at a time. */
export interface UnpackJob {
  blob: string;
  diffId: string;
  directory: string;
  devices: boolean;
  budget: SharedBudget;
}

export type ToWorker =
  | { kind: 'unpack'; job: UnpackJob }
  | { kind: 'abort' }
  /** The answer to `launch`. */
  | { kind: 'launched'; result: Launched }
  | { kind: 'not-launched'; error: ErrorBody };

export type FromWorker =
  | { kind: 'progress'; bytes: number }
  /** One at a time: the core has it started by another process, as a thread would have to fork all of the core. */
  | { kind: 'launch'; words: string[]; timeoutMs: number }
  | { kind: 'done'; size: number }
  | { kind: 'failed'; error: ErrorBody };
