import type { ListQuery, PageQuery, SandboxPage } from '../../api/sandbox-api.ts';
import { didYouMean } from '../../model/failure/did-you-mean.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { DEFAULT_NAMESPACE } from '../../model/ids.ts';
import { type Phase, type PhaseState, phases } from '../../model/sandbox/phase.ts';
import type { Sandbox } from '../../model/sandbox/sandbox.ts';
import type {
  CreateResponse,
  ListRequest,
  ListResponse,
  PhaseDetail,
  SandboxInfo,
} from '../gen/fastpath/v1/fastpath.ts';
import { defined, exitFromWire, exitToWire } from './parts.ts';
import { specFromWire, specToWire } from './spec.ts';

export function sandboxToWire(sandbox: Sandbox): SandboxInfo {
  return {
    sandboxId: sandbox.id,
    phase: sandbox.state.phase,
    agentPod: sandbox.node,
    endpoints: sandbox.endpoints,
    createdAt: Math.floor(sandbox.createdAt / 1000),
    image: sandbox.spec.image,
    poolRef: sandbox.spec.pool_ref,
    sandboxName: sandbox.name,
    namespace: sandbox.namespace,
    generation: sandbox.generation,
    spec: specToWire(sandbox.spec),
    detail: detailToWire(sandbox.state),
    createdAtMilliseconds: sandbox.createdAt,
    expiresAtMilliseconds: sandbox.expiresAt,
    warm: sandbox.warm,
    events: sandbox.events.map((event) => ({ timeMilliseconds: event.time, message: event.message })),
    logBytes: sandbox.logBytes,
    earlierIds: sandbox.earlierIds ?? [],
  };
}

/** @throws internal when the core left out what every core of this version sends */
export function sandboxFromWire(wire: SandboxInfo | undefined): Sandbox {
  if (wire?.spec === undefined || wire.detail === undefined)
    throw new FsbError('internal', 'the core answered without the spec and phase of the sandbox', {
      hint: 'The core may be of another version: compare both with `fsb-ctl version`.',
    });
  return defined({
    id: wire.sandboxId,
    namespace: wire.namespace,
    name: wire.sandboxName,
    generation: wire.generation,
    spec: specFromWire(wire.spec),
    state: stateFromWire(wire.phase, wire.detail),
    node: wire.agentPod,
    endpoints: wire.endpoints,
    createdAt: wire.createdAtMilliseconds,
    expiresAt: wire.expiresAtMilliseconds,
    warm: wire.warm,
    events: wire.events.map((event) => ({ time: event.timeMilliseconds, message: event.message })),
    logBytes: wire.logBytes,
    earlierIds: wire.earlierIds.length === 0 ? undefined : wire.earlierIds,
  });
}

export function createResponseToWire(sandbox: Sandbox): CreateResponse {
  return {
    sandboxId: sandbox.id,
    agentPod: sandbox.node,
    endpoints: sandbox.endpoints,
    sandboxName: sandbox.name,
    sandbox: sandboxToWire(sandbox),
  };
}

export const pageQueryToWire = ({ limit = 0, token = '', ...query }: PageQuery): ListRequest => ({
  namespace: query.namespace ?? '',
  allNamespaces: query.namespace === undefined,
  labels: query.labels ?? {},
  phases: query.phases ?? [],
  limit,
  pageToken: token,
});

/** @throws invalid_argument for a phase that does not exist */
export function pageQueryFromWire(wire: ListRequest): PageQuery {
  return {
    ...rangeFromWire(wire),
    ...(wire.phases.length === 0 ? {} : { phases: wire.phases.map(parsePhase) }),
    ...(wire.limit === 0 ? {} : { limit: wire.limit }),
    ...(wire.pageToken === '' ? {} : { token: wire.pageToken }),
  };
}

/** Of which sandboxes something is asked. */
export function rangeFromWire(
  wire: Pick<ListRequest, 'namespace' | 'allNamespaces' | 'labels'>,
): Pick<ListQuery, 'namespace' | 'labels'> {
  const namespace = wire.namespace === '' ? DEFAULT_NAMESPACE : wire.namespace;
  return {
    ...(wire.allNamespaces ? {} : { namespace }),
    ...(Object.keys(wire.labels).length === 0 ? {} : { labels: wire.labels }),
  };
}

export const pageToWire = ({ items, next = '', revision }: SandboxPage): ListResponse => ({
  items: items.map(sandboxToWire),
  nextPageToken: next,
  revision,
});

export const pageFromWire = ({ items, nextPageToken, revision }: ListResponse): SandboxPage => ({
  items: items.map(sandboxFromWire),
  ...(nextPageToken === '' ? {} : { next: nextPageToken }),
  revision,
});

function parsePhase(text: string): Phase {
  const found = phases.find((phase) => phase === text);
  if (found !== undefined) return found;
  throw new FsbError('invalid_argument', `unknown phase ${JSON.stringify(text)}`, {
    hint: `Did you mean ${didYouMean(text, phases) ?? phases.join(', ')}?`,
  });
}

function detailToWire(state: PhaseState): PhaseDetail {
  return {
    startedAtMilliseconds: 'startedAt' in state ? state.startedAt : undefined,
    endedAtMilliseconds: 'endedAt' in state ? state.endedAt : undefined,
    sinceMilliseconds: 'since' in state ? state.since : undefined,
    reason: 'reason' in state ? state.reason : undefined,
    paused: 'paused' in state ? state.paused : undefined,
    recreateAtMilliseconds: 'recreateAt' in state ? state.recreateAt : undefined,
    status: 'status' in state && state.status !== undefined ? exitToWire(state.status) : undefined,
  };
}

function stateFromWire(phase: string, detail: PhaseDetail): PhaseState {
  const startedAt = detail.startedAtMilliseconds ?? 0;
  const begun = detail.startedAtMilliseconds === undefined ? {} : { startedAt };
  const endedAt = detail.endedAtMilliseconds ?? 0;
  const since = detail.sinceMilliseconds ?? 0;
  const reason = detail.reason ?? '';
  switch (parsePhase(phase)) {
    case 'Pending':
      return { phase: 'Pending' };
    case 'Bound':
      return { phase: 'Bound' };
    case 'Running':
      return { phase: 'Running', startedAt, ...(detail.paused && { paused: true }) };
    case 'Exited':
      return { phase: 'Exited', startedAt, endedAt, status: exitFromWire(detail.status ?? {}) };
    case 'Failed':
      return defined({
        phase: 'Failed' as const,
        ...begun,
        endedAt,
        reason,
        status: detail.status && exitFromWire(detail.status),
      });
    case 'Expired':
      return { phase: 'Expired', ...begun, endedAt, ...commandEndFromWire(detail) };
    case 'Lost':
      return defined({
        phase: 'Lost' as const,
        ...begun,
        since,
        reason,
        recreateAt: detail.recreateAtMilliseconds,
      });
    case 'Terminating':
      return { phase: 'Terminating', ...begun, since, ...commandEndFromWire(detail) };
  }
}

const commandEndFromWire = ({ status, reason }: PhaseDetail) =>
  defined({ status: status && exitFromWire(status), reason });
