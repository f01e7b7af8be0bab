import { exitCodeOf, signalName } from '../model/process.ts';
import { formatDuration } from '../model/quantity.ts';
import type { Phase, PhaseState } from '../model/sandbox/phase.ts';
import type { Sandbox } from '../model/sandbox/sandbox.ts';
import type { SandboxSpec, SandboxSpecInput } from '../model/sandbox/spec.ts';
import { timestamp } from './timestamp.ts';

/** A sandbox as `-o json` and `-o yaml` show it. Times are RFC3339 in UTC; absent values are null. */
export interface SandboxView {
  name: string;
  namespace: string;
  id: string;
  generation: number;
  phase: Phase;
  /** It runs, but every process in it is frozen. */
  paused: boolean;
  /** Why it is in its phase, where that needs words. */
  reason: string | null;
  /** What a shell would report: the code, or 128 + signal. */
  exit_code: number | null;
  /** `SIGKILL` when a signal ended it. */
  signal: string | null;
  oom_killed: boolean;
  image: string;
  pool: string;
  node: string;
  endpoints: string[];
  labels: Record<string, string>;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  expires_at: string | null;
  /** When a lost one is recreated, as it was foreseen. */
  recreate_at: string | null;
  /** The pool had an instance ready; null before it was bound. */
  warm: boolean | null;
  /** Can be given to `run -f` as it is: durations are texts, sizes bytes. */
  spec: SandboxSpecInput;
  events: { time: string; message: string }[];
}

export function sandboxView(sandbox: Sandbox): SandboxView {
  const { state, spec } = sandbox;
  const status = 'status' in state ? state.status : undefined;
  return {
    name: sandbox.name,
    namespace: sandbox.namespace,
    id: sandbox.id,
    generation: sandbox.generation,
    phase: state.phase,
    paused: state.phase === 'Running' && state.paused === true,
    reason: ('reason' in state && state.reason) || null,
    exit_code: status === undefined ? null : exitCodeOf(status),
    signal: status === undefined || status.signal === null ? null : signalName(status.signal),
    oom_killed: status?.oomKilled === true,
    image: spec.image,
    pool: spec.pool_ref,
    node: sandbox.node,
    endpoints: sandbox.endpoints,
    labels: spec.labels,
    created_at: timestamp(sandbox.createdAt),
    started_at: 'startedAt' in state && state.startedAt !== undefined ? timestamp(state.startedAt) : null,
    ended_at: endOf(state),
    expires_at: sandbox.expiresAt === 0 ? null : timestamp(sandbox.expiresAt),
    recreate_at: 'recreateAt' in state && state.recreateAt !== undefined ? timestamp(state.recreateAt) : null,
    warm: sandbox.warm ?? null,
    spec: specView(spec),
    events: sandbox.events.map((event) => ({ time: timestamp(event.time), message: event.message })),
  };
}

/** In a spec a bare number is seconds, but ours are milliseconds: as texts they cannot be misread. */
function specView(spec: SandboxSpec): SandboxSpecInput {
  const { ttl, grace_period, ...rest } = spec;
  return {
    ...rest,
    ...(ttl === undefined ? {} : { ttl: formatDuration(ttl) }),
    grace_period: formatDuration(grace_period),
  };
}

function endOf(state: PhaseState): string | null {
  if ('endedAt' in state) return timestamp(state.endedAt);
  return state.phase === 'Lost' ? timestamp(state.since) : null;
}

/** What `get` shows beyond what a list does. */
export interface SandboxDetailsView extends SandboxView {
  /** On the disk. */
  log_bytes: number | null;
}

export const sandboxDetailsView = (sandbox: Sandbox): SandboxDetailsView => ({
  ...sandboxView(sandbox),
  log_bytes: sandbox.logBytes ?? null,
});
