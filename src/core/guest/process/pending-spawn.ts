import { FsbError } from '../../model/failure/errors.ts';
import type { ProcessSpec } from '../../model/process.ts';
import type { GuestStep, Span } from '../../model/trace.ts';
import type { SpawnTimes } from '../protocol/frames.ts';
import type { ChannelProcess } from './channel-process.ts';

/** Who waits for a process that the guest is to start. */
export interface PendingSpawn {
  spec: ProcessSpec;
  resolve(process: ChannelProcess): void;
  reject(error: Error): void;
  /** Nobody waits for it any longer: what starts is killed. */
  abandoned: boolean;
  /** The step of a trace that the times of the guest, which was asked for them, belong to. */
  span: Span | undefined;
}

export function abandonOnAbort(pending: PendingSpawn, signal: AbortSignal): void {
  const { resolve, reject } = pending;
  const abandon = (): void => {
    pending.abandoned = true;
    reject(FsbError.from(signal.reason));
  };
  signal.addEventListener('abort', abandon, { once: true });
  pending.resolve = (process) => {
    signal.removeEventListener('abort', abandon);
    resolve(process);
  };
  pending.reject = (error) => {
    signal.removeEventListener('abort', abandon);
    reject(error);
  };
}

/** What the guest did for it, as a trace has it. */
export const guestSteps = ({ open, fork, prepare, execute }: SpawnTimes): GuestStep[] =>
  Object.entries({ open, fork, prepare, execute }).map(([step, nanoseconds]) => ({
    name: `guest.${step}`,
    nanoseconds: Number(nanoseconds),
  }));
