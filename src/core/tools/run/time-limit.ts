import { once } from 'node:events';
import type { Clock } from '../../model/clock.ts';

/** The end of a piece of work: its own deadline, or the caller who leaves, whichever comes first. */
export interface TimeLimit {
  /** Aborted at the deadline and when the caller leaves. */
  readonly signal: AbortSignal;
  /** Resolves when the signal is aborted. */
  readonly over: Promise<void>;
  /** Frees the timer. Idempotent. */
  cancel(): void;
}

export function timeLimit(clock: Clock, ms: number, caller: AbortSignal): TimeLimit {
  const deadline = new AbortController();
  const cancel = clock.after(ms, () => deadline.abort());
  const signal = AbortSignal.any([deadline.signal, caller]);
  const over = signal.aborted ? Promise.resolve() : once(signal, 'abort').then(() => {});
  return { signal, over, cancel };
}

/** The result of the work; undefined when it failed, or was not there in time, and then the work itself goes on. */
export function resultWithin<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, () => resolve(undefined));
    const settle = (result?: T): void => {
      cancel();
      resolve(result);
    };
    work.then(settle, () => settle());
  });
}
