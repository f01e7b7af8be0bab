import type { Clock } from '../../model/clock.ts';
import type { Deadline } from '../../model/expiry.ts';
import { formatDuration } from '../../model/quantity.ts';
import type { PhaseState } from '../../model/sandbox/phase.ts';
import type { Sandbox } from '../../model/sandbox/sandbox.ts';

/** What is done about a lost sandbox, as its failure policy says. */

export type Lost = Extract<PhaseState, { phase: 'Lost' }>;
type Policy = Pick<Sandbox['spec'], 'failure_policy' | 'recovery_timeout_seconds'>;
type Times = Pick<Clock, 'now' | 'monotonic'>;

/** Milliseconds before the second recreation in a row, at least; each further one waits twice as long, to the longest. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;
/** Milliseconds after which a loss is no longer in a row with what came before the start. */
const RAN_WELL = 60_000;

/** How often it was recreated in a row when it is lost at this moment of the monotonic clock. */
export const recreatedInARow = (
  { state, recreated = 0, began = 0 }: Pick<Sandbox, 'state' | 'recreated' | 'began'>,
  monotonic: number,
): number => (state.phase === 'Running' && monotonic - began >= RAN_WELL ? 0 : recreated);

/** Lost, until its user acts. */
export const lostForGood = ({ recreateAt: _, recreateEnd: __, ...lost }: Lost): Lost => lost;

/**
 * Lost, and by the policy to be recreated: its recovery timeout counts from now on. What is lost again and again, whatever
 * the timeout, must not keep the node busy with nothing but its boots.
 * @param recreated how often in a row it was
 */
export function lostFor(state: Lost, policy: Policy, clock: Times, recreated = 0): Lost {
  if (policy.failure_policy === 'Manual') return lostForGood(state);
  const wait = waitOf(policy, recreated);
  return { ...state, recreateAt: clock.now() + wait, recreateEnd: clock.monotonic() + wait };
}

/**
 * The same in the next core, where it goes on waiting; undefined: as it is on record. The monotonic clock of a machine
 * that has booted since began anew, so an end by the last one may be far away: then the timeout counts from now on. An end
 * that seems over is over: such a machine has been up for longer than the timeout.
 */
export function lostSince(state: Lost, policy: Policy, clock: Times, recreated = 0): Lost | undefined {
  if (state.recreateEnd === undefined || state.recreateEnd - clock.monotonic() <= waitOf(policy, recreated))
    return undefined;
  return lostFor(state, policy, clock, recreated);
}

/** For people: what is lost, and what follows. */
export function lostText({ reason, recreateAt }: Lost, policy: Policy, recreated = 0): string {
  if (recreateAt === undefined) return `lost: ${reason}`;
  const wait = waitOf(policy, recreated);
  const often = wait > timeoutOf(policy) ? ` (recreated ${recreated} times in a row)` : '';
  return `lost: ${reason}; it is recreated ${wait === 0 ? 'at once' : `in ${formatDuration(wait)}`}${often}`;
}

/** Undefined: it is not to be recreated. */
export const recreationOf = (state: PhaseState): Deadline | undefined =>
  state.phase === 'Lost' && state.recreateEnd !== undefined ? { monotonic: state.recreateEnd } : undefined;

/** @param monotonic milliseconds */
export const isDue = (state: PhaseState, monotonic: number): boolean =>
  state.phase === 'Lost' && state.recreateEnd !== undefined && state.recreateEnd <= monotonic;

/** Of a recreation that failed: it is made once. */
export const notRecreated = (lost: string, why: string): string =>
  `it was lost (${lost}) and could not be recreated, which is not tried again: ${why}`;

const waitOf = (policy: Policy, recreated: number): number =>
  Math.max(
    timeoutOf(policy),
    recreated === 0 ? 0 : Math.min(FIRST_PAUSE * 2 ** (recreated - 1), LONGEST_PAUSE),
  );

const timeoutOf = ({ recovery_timeout_seconds }: Policy): number => recovery_timeout_seconds * 1000;
