import type { AgentApi } from '../api/agent-api.ts';
import {
  newsFromWire,
  sandboxFromWire,
  startedFromWire,
  startToWire,
  stopToWire,
  usageFromWire,
} from '../wire/convert/agent.ts';
import { resourcesToWire } from '../wire/convert/parts.ts';
import { StartAgentSandboxRequest, AgentServiceService as service } from '../wire/gen/fsb/v1/agent.ts';
import type { Rpc } from './rpc.ts';

/** The sandboxes of a node, but for what streams. */
export type AgentCalls = Omit<
  AgentApi,
  'pools' | 'images' | 'events' | 'exec' | 'execOnFiles' | 'attach' | 'logs'
>;

export function agentCalls(rpc: Rpc): AgentCalls {
  return {
    facts: (options) => rpc.call(service.facts, {}, options),
    start: async (request, options) =>
      startedFromWire(
        await rpc.retractable(
          service.start,
          startToWire(request),
          StartAgentSandboxRequest.create(),
          options,
        ),
      ),
    async stop(sandboxId, options) {
      await rpc.call(service.stop, stopToWire(sandboxId, options));
    },
    async pause(sandboxId) {
      await rpc.call(service.pause, { sandboxId });
    },
    async unpause(sandboxId) {
      await rpc.call(service.unpause, { sandboxId });
    },
    async signal(sandboxId, signal) {
      await rpc.call(service.signal, { sandboxId, signal });
    },
    async rename(sandboxId, claimName) {
      await rpc.call(service.rename, { sandboxId, claimName });
    },
    async update(sandboxId, resources) {
      await rpc.call(service.update, { sandboxId, resources: resourcesToWire(resources) });
    },
    async usage(sandboxId) {
      const { usage } = await rpc.call(service.usage, { sandboxId });
      return usage && usageFromWire(usage);
    },
    logBytes: async (sandboxId) => (await rpc.call(service.logBytes, { sandboxId })).bytes,
    async forget(sandboxId, { logOf } = {}) {
      await rpc.call(service.forget, { sandboxId, logOf });
    },
    retainedLog: async (name) => (await rpc.call(service.retainedLog, { name })).sandboxId,
    sandboxes: async (options) =>
      (await rpc.call(service.sandboxes, {}, options)).sandboxes.map(sandboxFromWire),
    async *watch(options) {
      for await (const news of rpc.stream(service.watch, {}, options)) yield newsFromWire(news);
    },
  };
}
