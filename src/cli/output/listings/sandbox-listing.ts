import { shortId } from '../../../core/model/ids.ts';
import type { Phase } from '../../../core/model/sandbox/phase.ts';
import type { Sandbox } from '../../../core/model/sandbox/sandbox.ts';
import { type SandboxView, sandboxView } from '../../../core/view/sandbox-view.ts';
import { dockerSandbox } from '../docker/docker-names.ts';
import type { Column, Listing, Tone } from '../output.ts';
import { sampleSandbox } from '../samples.ts';
import { ageText, commandText, pairs, phaseText, portsOf } from '../sandbox-texts.ts';

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

export interface ListOptions {
  /** Milliseconds since the epoch, for the ages. */
  now: number;
  /** Whole ids. */
  full: boolean;
  namespaces?: boolean;
}

function sandboxColumns(options: ListOptions): Column<SandboxView>[] {
  return [
    ...(options.namespaces ? [{ title: 'NAMESPACE', value: (s: SandboxView) => s.namespace }] : []),
    { title: 'NAME', whole: true, value: (s) => s.name },
    { title: 'ID', whole: true, spare: -1, value: (s) => (options.full ? s.id : shortId(s.id)) },
    {
      title: 'PHASE',
      whole: true,
      value: (s) => phaseText(s, options.now),
      tone: (s) => (s.paused ? 'busy' : TONES[s.phase]),
    },
    { title: 'IMAGE', spare: -2, value: (s) => s.image },
    { title: 'NODE', spare: 0, value: (s) => s.node },
    { title: 'AGE', spare: -3, value: (s) => ageText(s.created_at, options.now) },
    { title: 'COMMAND', wide: true, value: (s) => commandText(s.spec) },
    { title: 'POOL', wide: true, value: (s) => s.pool },
    { title: 'GENERATION', wide: true, value: (s) => String(s.generation) },
    { title: 'PORTS', wide: true, value: (s) => portsOf(s).join(',') },
    { title: 'ENDPOINTS', wide: true, value: (s) => s.endpoints.join(',') },
    { title: 'LABELS', wide: true, value: (s) => pairs(s.labels) },
    { title: 'EXPIRES', wide: true, value: (s) => s.expires_at ?? '' },
    { title: 'REASON', wide: true, value: (s) => s.reason ?? '' },
  ];
}

export function sandboxListing(sandboxes: Sandbox[], options: ListOptions): Listing<SandboxView> {
  return {
    items: sandboxes.map(sandboxView),
    sample: sampleSandbox,
    columns: sandboxColumns(options),
    name: (s) => s.name,
    id: (s) => (options.full ? s.id : s.name),
    namesakes: true,
    docker: (s) => [dockerSandbox(s, options)],
  };
}

/** What `run` prints: who was made, where, and how long that took. */
export function createdListing(
  sandbox: Sandbox,
  elapsedMs: number,
  full: boolean,
): Listing<SandboxView & { elapsed_ms: number }> {
  const elapsed = Math.round(elapsedMs * 10) / 10;
  return {
    items: [{ ...sandboxView(sandbox), elapsed_ms: elapsed }],
    single: true,
    columns: [
      { title: 'NAME', whole: true, value: (s) => s.name },
      { title: 'ID', whole: true, value: (s) => (full ? s.id : shortId(s.id)) },
      { title: 'NODE', value: (s) => s.node },
      { title: 'ENDPOINTS', value: (s) => s.endpoints.join(',') },
      { title: 'TIME', value: (s) => `${s.elapsed_ms}ms` },
      { title: 'START', wide: true, value: (s) => (s.warm === null ? '' : s.warm ? 'warm' : 'cold') },
    ],
    name: (s) => s.name,
    id: (s) => s.id,
    docker: (s) => [dockerSandbox(s, { now: sandbox.createdAt + elapsedMs, full: true })],
  };
}
