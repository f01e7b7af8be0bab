import { FsbError } from '../failure/errors.ts';
import type { ExitStatus } from '../process.ts';

interface Begun {
  /** When its command began, milliseconds since the epoch; absent where it never did. */
  startedAt?: number;
}

/** Of a command that its sandbox may have outlived, what is known: neither, as long as it may still end. */
interface CommandEnd {
  status?: ExitStatus;
  /** Why there is no status, and never will be. */
  reason?: string;
}

/**
 * Where a sandbox is in its life.
 *
 *     Pending -> Bound -> Running -> Exited
 *        |         |         |-----> Expired      (ttl or expire_time)
 *        |         |         |-----> Lost         (the instance vanished, its fate unknown)
 *        +---------+---------+-----> Failed       (boot, not found, not executable, out of memory)
 *     any of them -> Terminating -> (record gone)
 *     Running -> Running                          (paused, unpaused)
 *     Expired -> Expired                          (how its command ended is known)
 *     Exited, Expired, Failed, Lost -> Pending    (start, restart, reset, or recreated: a new generation)
 *     Lost -> Failed                              (it could not be recreated)
 */
export type PhaseState =
  | { phase: 'Pending' }
  | { phase: 'Bound' }
  /** Paused: every process is frozen. */
  | { phase: 'Running'; startedAt: number; paused?: true }
  | { phase: 'Exited'; startedAt: number; endedAt: number; status: ExitStatus }
  | ({ phase: 'Failed'; endedAt: number; reason: string; status?: ExitStatus } & Begun)
  | ({ phase: 'Expired'; endedAt: number } & Begun & CommandEnd)
  /**
   * When it is recreated, where that is to come: milliseconds since the epoch, as it was foreseen, and on the monotonic
   * clock; the latter only in the core that has it, and in its record.
   */
  | ({ phase: 'Lost'; since: number; reason: string; recreateAt?: number; recreateEnd?: number } & Begun)
  | ({ phase: 'Terminating'; since: number } & Begun & CommandEnd);

export type Phase = PhaseState['phase'];

const ended = ['Exited', 'Failed', 'Expired', 'Lost'] as const;

export const transitions: Record<Phase, readonly Phase[]> = {
  Pending: ['Bound', 'Failed', 'Expired', 'Terminating'],
  Bound: ['Running', 'Failed', 'Expired', 'Lost', 'Terminating'],
  Running: [...ended, 'Running', 'Pending', 'Terminating'],
  Exited: ['Pending', 'Terminating'],
  Failed: ['Pending', 'Terminating'],
  Expired: ['Pending', 'Expired', 'Terminating'],
  Lost: ['Pending', 'Running', 'Exited', 'Failed', 'Terminating'],
  Terminating: [],
};

export const phases = Object.keys(transitions) as Phase[];

/** True while processes may exist for the sandbox. */
export const isLive = (phase: Phase): boolean =>
  phase === 'Pending' || phase === 'Bound' || phase === 'Running' || phase === 'Terminating';

/**
 * The step, with what goes on to be known of the run.
 * @throws internal when the table does not allow the step: that is a bug, never the user's doing
 */
export function transition(from: PhaseState, to: PhaseState): PhaseState {
  if (!transitions[from.phase].includes(to.phase))
    throw new FsbError('internal', `illegal phase change ${from.phase} -> ${to.phase}`);
  if (to.phase === 'Pending' || to.phase === 'Bound' || 'startedAt' in to) return to;
  return 'startedAt' in from ? { ...to, startedAt: from.startedAt } : to;
}
