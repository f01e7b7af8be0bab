import { Reports } from '../../../src/core/agent/sandboxes/reports.ts';
import type {
  AgentApi,
  AgentSandboxState,
  GivenTerms,
  StartedSandbox,
  StartRequest,
} from '../../../src/core/api/agent-api.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { PoolDetails, PoolPolicy } from '../../../src/core/model/pool/pool.ts';
import { refKey } from '../../../src/core/model/sandbox/sandbox.ts';
import { defaultResources, type Resources } from '../../../src/core/model/sandbox/shape.ts';
import type { SandboxSpec } from '../../../src/core/model/sandbox/spec.ts';
import { settle } from '../manual-clock.ts';

/** A node without instances, for tests of the controller: starts and stops happen when and as the test says. */
export interface ScriptedAgent {
  api: AgentApi;
  /** Every start so far, in order. */
  starts: StartRequest[];
  stops: { sandboxId: string; grace: number; keepFiles: boolean }[];
  forgotten: string[];
  /** What the next starts do; by default they succeed at once. */
  onStart: (request: StartRequest, signal?: AbortSignal) => Promise<StartedSandbox>;
  /** What they do before the files of the last generation are theirs. */
  beforeFiles: () => Promise<void>;
  /** When stops resolve; by default at once. */
  onStop: () => Promise<void>;
  /** What the next calls of forget do first; by default nothing. */
  onForget: (sandboxId: string) => Promise<void>;
  /** `namespace/name` by the id of those whose log was to be kept when they were forgotten. */
  retained: Map<string, string>;
  /** What the node holds; one that runs ends by SIGTERM when it is stopped. */
  held: Map<string, AgentSandboxState>;
  /** Whose files each sandbox has: its own id, or that of the first generation that had them. */
  files: Map<string, string>;
  signals: { sandboxId: string; signal: number }[];
  /** What the next changes of limits do; by default they succeed. */
  onUpdate: (resources: Resources) => Promise<void>;
  limits: Map<string, Resources>;
  /** As people are told on the node. */
  names: Map<string, string>;
  /** What the node says that it gave, by sandbox. */
  given: Map<string, GivenTerms>;
  /** The one pool that it has; undefined: none. */
  pool?: Pick<PoolDetails, 'name'> & { policy: Pick<PoolPolicy, 'memoryBudget'> };
  /** Resolves when whoever watches has heard of it. */
  report(sandboxId: string, state: AgentSandboxState): Promise<void>;
}

/** The answer to a start that went well. */
export const started = (startedAt: number, spec?: SandboxSpec): StartedSandbox => ({
  ...{ node: 'test-node', instance: 'i0', warm: true, endpoints: [] },
  given: {
    resources: defaultResources,
    labels: spec?.labels ?? {},
    exposed_ports: spec?.exposed_ports ?? [],
  },
  startedAt,
});

export function scriptedAgent(now: () => number = () => 0): ScriptedAgent {
  const reports = new Reports();
  const unsupported = (): never => {
    throw new FsbError('unsupported', 'not part of this test');
  };
  const agent: ScriptedAgent = {
    starts: [],
    stops: [],
    forgotten: [],
    held: new Map(),
    files: new Map(),
    signals: [],
    limits: new Map(),
    names: new Map(),
    given: new Map(),
    onUpdate: async () => {},
    onStart: async ({ spec }) => started(now(), spec),
    beforeFiles: async () => {},
    onStop: async () => {},
    onForget: async () => {},
    retained: new Map(),
    report(sandboxId, state) {
      agent.held.set(sandboxId, state);
      reports.tell({ sandboxId, state });
      return settle();
    },
    api: {
      facts: async () => ({ node: 'test-node', cores: 4, pids: 32_768 }),
      pools: {
        ...{ status: unsupported, list: unsupported, create: unsupported },
        async get(name) {
          if (agent.pool?.name === name) return agent.pool as PoolDetails;
          throw new FsbError('not_found', `there is no pool ${name}`);
        },
        ...{ update: unsupported, delete: unsupported, stop: unsupported, drain: unsupported },
        ...{ run: unsupported, lease: unsupported, leases: unsupported, exec: unsupported },
        ...{ kill: unsupported, release: unsupported },
      },
      events: unsupported,
      images: {
        ...{ pull: unsupported, import: unsupported, list: unsupported, inspect: unsupported },
        ...{
          tag: unsupported,
          remove: unsupported,
          prune: unsupported,
          save: unsupported,
          login: unsupported,
        },
      },
      async start(request, options) {
        agent.starts.push(request);
        await agent.beforeFiles();
        const { sandboxId, filesOf } = request;
        const files = filesOf === undefined ? undefined : agent.files.get(filesOf);
        if (filesOf !== undefined) agent.files.delete(filesOf);
        agent.files.set(sandboxId, files ?? sandboxId);
        const started = await agent.onStart(request, options?.signal);
        agent.held.set(sandboxId, { state: 'running', startedAt: started.startedAt });
        agent.names.set(sandboxId, request.claimName);
        return started;
      },
      async stop(sandboxId, options) {
        agent.stops.push({ sandboxId, ...options });
        await agent.onStop();
        if (!options.keepFiles) agent.files.delete(sandboxId);
        if (agent.held.get(sandboxId)?.state !== 'running') return;
        const status = { code: null, signal: 15 };
        await agent.report(sandboxId, { state: 'ended', startedAt: now(), endedAt: now(), status });
      },
      async pause(sandboxId) {
        agent.held.set(sandboxId, { state: 'running', startedAt: now(), paused: true });
      },
      async unpause(sandboxId) {
        agent.held.set(sandboxId, { state: 'running', startedAt: now() });
      },
      async signal(sandboxId, signal) {
        agent.signals.push({ sandboxId, signal });
      },
      async update(sandboxId, resources) {
        await agent.onUpdate(resources);
        agent.limits.set(sandboxId, resources);
        agent.given.set(sandboxId, { ...started(0).given, resources });
      },
      async rename(sandboxId, claimName) {
        if (agent.held.get(sandboxId)?.state === 'running') agent.names.set(sandboxId, claimName);
      },
      async usage(sandboxId) {
        if (agent.held.get(sandboxId)?.state !== 'running') return undefined;
        return { memory: 1024, cpuMicros: 7, pids: 2 };
      },
      logBytes: async () => 0,
      exec: unsupported,
      execOnFiles: unsupported,
      attach: unsupported,
      logs: unsupported,
      retainedLog: async () => undefined,
      async forget(sandboxId, { logOf } = {}) {
        await agent.onForget(sandboxId);
        agent.forgotten.push(sandboxId);
        if (logOf) agent.retained.set(sandboxId, refKey(logOf));
        agent.held.delete(sandboxId);
        agent.files.delete(sandboxId);
      },
      async sandboxes() {
        const filesOnly = [...agent.files.keys()].filter((sandboxId) => !agent.held.has(sandboxId));
        const lost = { state: 'lost', reason: 'it was never started' } as const;
        return [...agent.held, ...filesOnly.map((id) => [id, lost] as const)].map(([sandboxId, state]) => ({
          sandboxId,
          state,
          given: agent.given.get(sandboxId),
        }));
      },
      watch: ({ signal } = {}) => reports.read(() => agent.api.sandboxes(), signal),
    },
  };
  return agent;
}
