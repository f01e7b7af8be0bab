import { shortId } from '../../core/model/ids.ts';
import type { Phase, PhaseState } from '../../core/model/phase.ts';
import { exitCodeOf, signalName } from '../../core/model/process.ts';
import { formatAge, formatDuration, formatSize } from '../../core/model/quantity.ts';
import type { Sandbox } from '../../core/model/sandbox.ts';
import type { SandboxSpec, SandboxSpecInput } from '../../core/model/spec.ts';
import { type Column, type Listing, printable, type Tone } from './output.ts';

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
    reason: 'reason' in state ? state.reason : null,
    exit_code: status === undefined ? null : exitCodeOf(status),
    signal: status === undefined || status.signal === null ? null : signalName(status.signal),
    oom_killed: status?.oomKilled === true,
    image: spec.image,
    pool: spec.pool_ref,
    node: sandbox.node,
    endpoints: sandbox.endpoints,
    labels: spec.labels,
    created_at: timestamp(sandbox.createdAt),
    started_at: 'startedAt' in state ? timestamp(state.startedAt) : null,
    ended_at: endOf(state),
    expires_at: sandbox.expiresAt === 0 ? null : timestamp(sandbox.expiresAt),
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

export const timestamp = (ms: number): string => new Date(ms).toISOString();

function endOf(state: PhaseState): string | null {
  if ('endedAt' in state) return timestamp(state.endedAt);
  return state.phase === 'Lost' ? timestamp(state.since) : null;
}

const TONES: Record<Phase, Tone> = {
  Pending: 'busy',
  Bound: 'busy',
  Running: 'good',
  Exited: 'plain',
  Terminating: 'busy',
  Expired: 'plain',
  Failed: 'bad',
  Lost: 'bad',
};

/** `Exited (7)`, `Exited (SIGKILL)`, `Running`, `Paused`. */
export function phaseText(view: SandboxView): string {
  if (view.paused) return 'Paused';
  if (view.exit_code === null) return view.phase;
  return `${view.phase} (${view.signal ?? view.exit_code})`;
}

export interface ListOptions {
  /** Milliseconds since the epoch, for the ages. */
  now: number;
  /** Whole ids. */
  full: boolean;
  namespaces?: boolean;
}

const age = (time: string, now: number): string => formatAge(now - Date.parse(time));

function columns(options: ListOptions): Column<SandboxView>[] {
  return [
    ...(options.namespaces ? [{ title: 'NAMESPACE', value: (s: SandboxView) => s.namespace }] : []),
    { title: 'NAME', value: (s) => s.name },
    { title: 'ID', value: (s) => (options.full ? s.id : shortId(s.id)) },
    { title: 'PHASE', value: phaseText, tone: (s) => (s.paused ? 'busy' : TONES[s.phase]) },
    { title: 'IMAGE', value: (s) => s.image },
    { title: 'NODE', spare: 1, value: (s) => s.node },
    { title: 'AGE', value: (s) => age(s.created_at, options.now) },
    { title: 'COMMAND', wide: true, value: (s) => commandText(s.spec) },
    { title: 'POOL', wide: true, value: (s) => s.pool },
    { title: 'GENERATION', wide: true, value: (s) => String(s.generation) },
    { title: 'ENDPOINTS', wide: true, value: (s) => s.endpoints.join(',') },
    { title: 'LABELS', wide: true, value: (s) => pairs(s.labels) },
    { title: 'EXPIRES', wide: true, value: (s) => s.expires_at ?? '' },
    { title: 'REASON', wide: true, value: (s) => s.reason ?? '' },
  ];
}

const pairs = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

export function sandboxListing(sandboxes: Sandbox[], options: ListOptions): Listing<SandboxView> {
  return {
    items: sandboxes.map(sandboxView),
    columns: columns(options),
    name: (s) => s.name,
    id: (s) => (options.full ? s.id : s.name),
  };
}

/** What `run` prints: who was made, where, and how long that took. */
export function createdListing(
  sandbox: Sandbox,
  elapsedMs: number,
): Listing<SandboxView & { elapsed_ms: number }> {
  const elapsed = Math.round(elapsedMs * 10) / 10;
  return {
    items: [{ ...sandboxView(sandbox), elapsed_ms: elapsed }],
    single: true,
    columns: [
      { title: 'NAME', value: (s) => s.name },
      { title: 'ID', value: (s) => shortId(s.id) },
      { title: 'NODE', value: (s) => s.node },
      { title: 'ENDPOINTS', value: (s) => s.endpoints.join(',') },
      { title: 'TIME', value: (s) => `${s.elapsed_ms}ms` },
      { title: 'START', wide: true, value: (s) => (s.warm === null ? '' : s.warm ? 'warm' : 'cold') },
    ],
    name: (s) => s.name,
    id: (s) => s.id,
  };
}

/** What `get` shows beyond what a list does. */
export interface SandboxDetailsView extends SandboxView {
  /** On the disk. */
  log_bytes: number | null;
}

export function sandboxDetails(sandbox: Sandbox, now: number): Listing<SandboxDetailsView> {
  return {
    items: [{ ...sandboxView(sandbox), log_bytes: sandbox.logBytes ?? null }],
    single: true,
    columns: columns({ now, full: false }),
    name: (s) => s.name,
    id: (s) => s.name,
    describe: (view) => describeSandbox(view, sandbox.spec, now),
  };
}

function describeSandbox(view: SandboxDetailsView, spec: SandboxSpec, now: number): string {
  const ago = (time: string | null): string => (time === null ? '' : `${time} (${age(time, now)} ago)`);
  const rows: [string, string][] = [
    ['Name', view.name],
    ['Namespace', view.namespace],
    ['Id', view.id],
    ['Generation', String(view.generation)],
    ['Phase', phaseText(view)],
    ['Reason', view.reason ?? (view.oom_killed ? 'out of memory' : '')],
    ['Image', view.image],
    ['Command', commandText(spec)],
    ['Pool', view.pool],
    ['Node', view.node],
    ['Start', view.warm === null ? '' : view.warm ? 'warm' : 'cold'],
    ['Endpoints', view.endpoints.join(', ')],
    ['Resources', resourcesText(spec.resources)],
    ['Network', spec.network],
    ['Labels', pairs(view.labels)],
    ['Created', ago(view.created_at)],
    ['Started', ago(view.started_at)],
    ['Ended', ago(view.ended_at)],
    ['Expires', view.expires_at ?? 'never'],
    ['Log', view.log_bytes === null ? '' : formatSize(view.log_bytes)],
  ];
  const shown = rows
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${`${key}:`.padEnd(13)}${printable(value)}\n`);
  const events = view.events.map((event) => `  ${event.time}  ${printable(event.message)}\n`);
  return shown.join('') + (events.length === 0 ? '' : `Events:\n${events.join('')}`);
}

const commandText = ({ command = [], args = [] }: Pick<SandboxSpecInput, 'command' | 'args'>): string =>
  [...command, ...args].map(quoted).join(' ');

/** A word as a shell would need it. */
const quoted = (word: string): string =>
  /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** What is not said is known when the sandbox is bound: it is the pool's. */
function resourcesText({ cpus, memory, pids }: SandboxSpec['resources']): string {
  const said = [
    cpus === undefined ? [] : [`${cpus} cpus`],
    memory === undefined ? [] : [`${formatSize(memory)} memory`],
    pids === undefined ? [] : [`${pids} processes`],
  ].flat();
  return said.join(', ');
}
