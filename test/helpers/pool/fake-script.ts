import type { Clock } from '../../../src/core/model/clock.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';

export type FakeCall =
  | 'probe'
  | 'boot'
  | 'pause'
  | 'resume'
  | 'update'
  | 'stats'
  | 'kill'
  | 'destroy'
  | 'list'
  | 'connect'
  | 'ping'
  | 'scrub'
  | 'spawn'
  /** A process of the guest; the step says how it ends. */
  | 'run';

/** What one call does: waits (for all that is given), then fails or goes on. */
export interface FakeStep {
  /** Milliseconds of the clock that the fake was given. */
  delay?: number;
  until?: Promise<unknown>;
  /** A text becomes a run_failed. */
  fail?: Error | string;
  /** Never comes back by itself; an abort ends it unless `deaf`. */
  hang?: boolean;
  /** Takes no notice of its AbortSignal. */
  deaf?: boolean;
  /** For `run`: how the process ends. Without it, and without any step, it runs until it is signalled. */
  exit?: { code?: number; signal?: number; stderr?: string };
  /** For `stats`: what is counted instead of the truth. */
  pids?: number;
  oomKills?: number;
}

/** Which step each call takes: the scripted ones first, in order, then the standing one. */
export class FakeScript {
  readonly #clock: Clock;
  readonly #queued = new Map<FakeCall, FakeStep[]>();
  readonly #standing = new Map<FakeCall, FakeStep>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  queue(call: FakeCall, steps: FakeStep[]): void {
    const queued = this.#queued.get(call) ?? [];
    queued.push(...steps);
    this.#queued.set(call, queued);
  }

  always(call: FakeCall, step: FakeStep): void {
    this.#standing.set(call, step);
  }

  /** @returns the step that was taken */
  async play(call: FakeCall, signal?: AbortSignal): Promise<FakeStep | undefined> {
    const step = this.#queued.get(call)?.shift() ?? this.#standing.get(call);
    if (!step) return undefined;
    const heard = step.deaf ? undefined : signal;
    if (step.delay !== undefined) await orAborted(this.#sleep(step.delay), heard);
    if (step.until) await orAborted(step.until, heard);
    if (step.hang) await orAborted(new Promise(() => undefined), heard);
    if (step.fail !== undefined)
      throw typeof step.fail === 'string' ? new FsbError('run_failed', step.fail) : step.fail;
    return step;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(ms, resolve);
    });
  }
}

function orAborted(work: Promise<unknown>, signal?: AbortSignal): Promise<unknown> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(FsbError.from(signal.reason));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
