import type { ErrorBody } from '../../../model/errors.ts';
import type { SharedBudget } from '../budget.ts';

/** What one thread is told, and what it answers; one layer at a time. */
export interface UnpackJob {
  blob: string;
  diffId: string;
  directory: string;
  launchBinary: string;
  devices: boolean;
  budget: SharedBudget;
}

export type ToWorker = { kind: 'unpack'; job: UnpackJob } | { kind: 'abort' };

export type FromWorker =
  | { kind: 'progress'; bytes: number }
  | { kind: 'done'; size: number }
  | { kind: 'failed'; error: ErrorBody };
