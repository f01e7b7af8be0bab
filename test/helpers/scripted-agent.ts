import type {
  AgentApi,
  AgentSandbox,
  AgentSandboxState,
  GivenTerms,
  StartedSandbox,
  StartRequest,
} from '../../src/core/api/agent-api.ts';
import { FsbError } from '../../src/core/model/errors.ts';
import { defaultResources } from '../../src/core/model/shape.ts';
import type { SandboxSpec } from '../../src/core/model/spec.ts';

/** A node without instances, for tests of the controller: starts and stops happen when and as the test says. */
export interface ScriptedAgent {
  api: AgentApi;
  /** Every start so far, in order. */
  starts: StartRequest[];
  stops: { sandboxId: string; grace: number; keepFiles: boolean }[];
  forgotten: string[];
  /** What the next starts do; by default they succeed at once. */
  onStart: (request: StartRequest, signal?: AbortSignal) => Promise<StartedSandbox>;
  /** When stops resolve; by default at once. */
  onStop: () => Promise<void>;
  held: Map<string, AgentSandboxState>;
  /** What the node says that it gave, by sandbox. */
  given: Map<string, GivenTerms>;
  report(sandboxId: string, state: AgentSandboxState): void;
}

/** The answer to a start that went well. */
export const started = (startedAt: number, spec?: SandboxSpec): StartedSandbox => ({
  ...{ instance: 'i0', warm: true, endpoints: [] },
  given: {
    resources: defaultResources,
    labels: spec?.labels ?? {},
    exposed_ports: spec?.exposed_ports ?? [],
  },
  startedAt,
});

export function scriptedAgent(now: () => number = () => 0): ScriptedAgent {
  const listeners = new Set<(change: AgentSandbox) => void>();
  const unsupported = (): never => {
    throw new FsbError('unsupported', 'not part of this test');
  };
  const agent: ScriptedAgent = {
    starts: [],
    stops: [],
    forgotten: [],
    held: new Map(),
    given: new Map(),
    onStart: async ({ spec }) => started(now(), spec),
    onStop: async () => {},
    report(sandboxId, state) {
      agent.held.set(sandboxId, state);
      for (const listener of listeners) listener({ sandboxId, state });
    },
    api: {
      node: 'test-node',
      pools: {
        ...{ status: unsupported, list: unsupported, get: unsupported, create: unsupported },
        ...{ update: unsupported, delete: unsupported, stop: unsupported, drain: unsupported },
        ...{ run: unsupported, lease: unsupported, leases: unsupported, exec: unsupported },
        ...{ kill: unsupported, release: unsupported },
      },
      events: unsupported,
      images: {
        ...{ pull: unsupported, import: unsupported, list: unsupported, inspect: unsupported },
        ...{ remove: unsupported, prune: unsupported, save: unsupported, login: unsupported },
      },
      async start(request, options) {
        agent.starts.push(request);
        const started = await agent.onStart(request, options?.signal);
        agent.held.set(request.sandboxId, { state: 'running', startedAt: started.startedAt });
        return started;
      },
      stop(sandboxId, options) {
        agent.stops.push({ sandboxId, ...options });
        const stopped = agent.onStop();
        return { stopped, gone: stopped };
      },
      pause: unsupported,
      unpause: unsupported,
      signal: unsupported,
      update: unsupported,
      usage: unsupported,
      exec: unsupported,
      attach: unsupported,
      logs: unsupported,
      async forget(sandboxId) {
        agent.forgotten.push(sandboxId);
        agent.held.delete(sandboxId);
      },
      async sandboxes() {
        return [...agent.held].map(([sandboxId, state]) => ({
          sandboxId,
          state,
          given: agent.given.get(sandboxId),
        }));
      },
      watch(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  };
  return agent;
}
