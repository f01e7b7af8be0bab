import type { AgentSandboxState } from '../../api/agent-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { type ExitStatus, signalName } from '../../model/process.ts';
import type { PhaseState } from '../../model/sandbox/phase.ts';
import type { Sandbox } from '../../model/sandbox/sandbox.ts';

/** The phase that follows from what the node reports, and why in words; undefined when nothing changes. */
export function phaseAfter(
  current: PhaseState,
  report: AgentSandboxState,
  now: number,
): { state: PhaseState; message: string } | undefined {
  if (current.phase === 'Expired' || current.phase === 'Terminating') return learned(current, report);
  if (current.phase !== 'Running' && current.phase !== 'Bound') return undefined;
  if (report.state === 'running') return frozenOr(current, report.paused);
  if (report.state === 'lost')
    return { state: { phase: 'Lost', since: now, reason: report.reason }, message: `lost: ${report.reason}` };
  const { status, startedAt, endedAt } = report;
  if (status.oomKilled) {
    const reason = 'out of memory: the kernel killed it at its memory limit';
    return { state: { phase: 'Failed', startedAt, endedAt, reason, status }, message: reason };
  }
  return { state: { phase: 'Exited', startedAt, endedAt, status }, message: describeExit(status) };
}

/** How the command of a sandbox ended that was over already: its time was, or it is being deleted. */
function learned(
  current: Extract<PhaseState, { phase: 'Expired' | 'Terminating' }>,
  report: AgentSandboxState,
): { state: PhaseState; message: string } | undefined {
  if (!mayEnd(current) || report.state === 'running') return undefined;
  if (report.state === 'lost') {
    const { reason } = report;
    return { state: { ...current, reason }, message: `nobody saw its command end: ${reason}` };
  }
  const { status, endedAt } = report;
  // The end of an expired one begins when its time is up, and takes a while.
  const late = current.phase === 'Expired' ? { endedAt: Math.max(current.endedAt, endedAt) } : {};
  return { state: { ...current, ...late, status }, message: describeExit(status) };
}

/** A command may run, and how it ends will be told. */
export function mayEnd(state: PhaseState): boolean {
  if (state.phase !== 'Expired' && state.phase !== 'Terminating') return state.phase === 'Running';
  return state.status === undefined && state.reason === undefined;
}

/** What is known of the end of its command, for the next phase. */
export const endOf = (
  state: PhaseState,
): Pick<PhaseState & { phase: 'Terminating' }, 'status' | 'reason'> => ({
  ...('status' in state && state.status && { status: state.status }),
  ...('reason' in state && state.reason !== undefined && { reason: state.reason }),
});

/** What a shell reports for a command that it cannot execute; of any other start that failed there is nothing to report. */
export const statusOfFailedStart = ({ code, exitCode }: FsbError): ExitStatus | undefined =>
  code === 'command_not_found' || code === 'not_executable' ? { code: exitCode, signal: null } : undefined;

/** A core that was killed between the deed and the record learns of it from the node. */
function frozenOr(current: PhaseState, paused?: true): { state: PhaseState; message: string } | undefined {
  if (current.phase !== 'Running' || current.paused === paused) return undefined;
  const state = { phase: 'Running' as const, startedAt: current.startedAt, ...(paused && { paused }) };
  return { state, message: paused ? 'paused' : 'unpaused' };
}

export const deletedWhileStarting = (name: string): FsbError =>
  new FsbError('cancelled', `sandbox ${name} was deleted while it was starting`);

export function describeExit(status: ExitStatus): string {
  return status.signal === null ? `exited with code ${status.code}` : `ended by ${signalName(status.signal)}`;
}

/** The status of an ended sandbox; undefined while it may still end. @throws run_failed when there is no truth to tell */
export function statusOf(sandbox: Sandbox): ExitStatus | undefined {
  const { state, name } = sandbox;
  const none = (why: string, recreateAt?: number): never => {
    throw new FsbError('run_failed', `sandbox ${name} ended without an exit status: ${why}`, {
      hint:
        recreateAt === undefined
          ? `See what happened with: fsb-ctl get ${name}`
          : `It is recreated at ${new Date(recreateAt).toISOString()}; see how it is with: fsb-ctl get ${name}`,
    });
  };
  switch (state.phase) {
    case 'Exited':
      return state.status;
    case 'Failed':
    case 'Expired':
    case 'Terminating':
      return state.status ?? (state.reason === undefined ? undefined : none(state.reason));
    case 'Lost':
      return none(state.reason, state.recreateAt);
    default:
      return undefined;
  }
}
