import type {
  AgentNews,
  AgentSandbox,
  AgentSandboxState,
  AgentStopOptions,
  AgentUsage,
  FilesRequest,
  GivenTerms,
  StartedSandbox,
  StartRequest,
} from '../../api/agent-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { Resources } from '../../model/sandbox/shape.ts';
import type { Resources as WireResources } from '../gen/fastpath/v1/fastpath.ts';
import type {
  AgentSandboxFiles,
  StartAgentSandboxRequest,
  StartAgentSandboxResponse,
  StopAgentSandboxRequest,
  WatchAgentResponse,
  AgentSandbox as WireSandbox,
  GivenTerms as WireTerms,
  AgentUsage as WireUsage,
} from '../gen/fsb/v1/agent.ts';
import { defined, exitFromWire, exitToWire, resourcesToWire } from './parts.ts';
import { specFromWire, specToWire } from './spec.ts';

/** Both ends are of one version, and trust each other: what is missing is no user's mistake. */
function required<T>(part: T | undefined, what: string): T {
  if (part !== undefined) return part;
  throw new FsbError('invalid_argument', `a message about a sandbox of a node has no ${what}`, {
    hint: 'Controller and node must be of one version.',
  });
}

export const filesToWire = ({ sandboxId, claimName, spec }: FilesRequest): AgentSandboxFiles => ({
  sandboxId,
  claimName,
  spec: specToWire(spec),
});

/** @throws invalid_argument */
export const filesFromWire = ({ sandboxId, claimName, spec }: AgentSandboxFiles): FilesRequest => ({
  sandboxId,
  claimName,
  spec: specFromWire(required(spec, 'spec')),
});

export const startToWire = (request: StartRequest): StartAgentSandboxRequest => ({
  ...filesToWire(request),
  imageDigest: request.imageDigest,
  filesOf: request.filesOf,
  awaited: request.awaited ?? false,
  size: request.size,
});

/** @throws invalid_argument */
export const startFromWire = (wire: StartAgentSandboxRequest): StartRequest =>
  defined({
    ...filesFromWire(wire),
    imageDigest: wire.imageDigest,
    filesOf: wire.filesOf,
    awaited: wire.awaited || undefined,
    size: wire.size,
  });

export const startedToWire = ({ given, startedAt, ...rest }: StartedSandbox): StartAgentSandboxResponse => ({
  ...rest,
  given: termsToWire(given),
  startedAtMilliseconds: startedAt,
});

export const startedFromWire = (wire: StartAgentSandboxResponse): StartedSandbox => ({
  node: wire.node,
  instance: wire.instance,
  warm: wire.warm,
  endpoints: wire.endpoints,
  given: termsFromWire(required(wire.given, 'given terms')),
  startedAt: wire.startedAtMilliseconds,
});

export const stopToWire = (sandboxId: string, options: AgentStopOptions): StopAgentSandboxRequest => ({
  sandboxId,
  graceMilliseconds: options.grace,
  stopSignal: options.stopSignal,
  keepFiles: options.keepFiles,
});

export const stopFromWire = (wire: StopAgentSandboxRequest): AgentStopOptions =>
  defined({ grace: wire.graceMilliseconds, stopSignal: wire.stopSignal, keepFiles: wire.keepFiles });

/** @throws invalid_argument */
export function limitsFromWire(wire: WireResources | undefined): Resources {
  const { cpus, memory, pids, disk } = required(wire, 'resources');
  return {
    cpus: required(cpus, 'cpus'),
    memory: required(memory, 'memory'),
    pids: required(pids, 'pids'),
    ...(disk !== undefined && { disk }),
  };
}

export const usageToWire = ({ memory, cpuMicros, pids }: AgentUsage): WireUsage => ({
  memory,
  cpuMicroseconds: cpuMicros,
  pids,
});

export const usageFromWire = ({ memory, cpuMicroseconds, pids }: WireUsage): AgentUsage => ({
  memory,
  cpuMicros: cpuMicroseconds,
  pids,
});

export const sandboxToWire = ({ sandboxId, state, given }: AgentSandbox): WireSandbox => ({
  sandboxId,
  state: stateToWire(state),
  given: given && termsToWire(given),
});

export const sandboxFromWire = ({ sandboxId, state, given }: WireSandbox): AgentSandbox => ({
  sandboxId,
  state: stateFromWire(required(state, 'state')),
  ...(given && { given: termsFromWire(given) }),
});

export const newsToWire = (news: AgentNews): WatchAgentResponse => ({
  what: news.complete
    ? { $case: 'complete', value: {} }
    : { $case: 'sandbox', value: sandboxToWire(news.sandbox) },
});

export function newsFromWire({ what }: WatchAgentResponse): AgentNews {
  const told = required(what, 'news');
  return told.$case === 'complete' ? { complete: true } : { sandbox: sandboxFromWire(told.value) };
}

const termsToWire = ({ resources, labels, exposed_ports }: GivenTerms): WireTerms => ({
  resources: resourcesToWire(resources),
  labels,
  exposedPorts: exposed_ports,
});

const termsFromWire = ({ resources, labels, exposedPorts }: WireTerms): GivenTerms => ({
  resources: limitsFromWire(resources),
  labels,
  exposed_ports: exposedPorts,
});

function stateToWire(state: AgentSandboxState): NonNullable<WireSandbox['state']> {
  switch (state.state) {
    case 'running':
      return {
        $case: 'running',
        value: { startedAtMilliseconds: state.startedAt, paused: state.paused ?? false },
      };
    case 'ended':
      return {
        $case: 'ended',
        value: {
          startedAtMilliseconds: state.startedAt,
          endedAtMilliseconds: state.endedAt,
          status: exitToWire(state.status),
        },
      };
    case 'lost':
      return { $case: 'lost', value: { reason: state.reason, startedAtMilliseconds: state.startedAt } };
  }
}

function stateFromWire(wire: NonNullable<WireSandbox['state']>): AgentSandboxState {
  switch (wire.$case) {
    case 'running':
      return {
        state: 'running',
        startedAt: wire.value.startedAtMilliseconds,
        ...(wire.value.paused && { paused: true }),
      };
    case 'ended':
      return {
        state: 'ended',
        startedAt: wire.value.startedAtMilliseconds,
        endedAt: wire.value.endedAtMilliseconds,
        status: exitFromWire(wire.value.status ?? {}),
      };
    case 'lost':
      return defined({
        state: 'lost',
        reason: wire.value.reason,
        startedAt: wire.value.startedAtMilliseconds,
      });
  }
}
