import type { AgentApi } from '../../api/agent-api.ts';
import { abortable } from '../../model/async/abortable.ts';
import {
  limitsFromWire,
  newsToWire,
  sandboxToWire,
  startedToWire,
  startFromWire,
  stopFromWire,
  usageToWire,
} from '../../wire/convert/agent.ts';
import type { AgentServiceServer } from '../../wire/gen/fsb/v1/agent.ts';
import { retractable } from './retractable.ts';
import { serverStream } from './server-stream.ts';
import { unary } from './unary.ts';

/** @param closing ends the calls that may take long */
export function agentService(agent: AgentApi, closing: AbortSignal): AgentServiceServer {
  const long = { endWith: closing };
  return {
    facts: unary(async (_request, options) => agent.facts(options)),
    // One that was taken back too late is answered with what runs, as in one process: its caller ends that.
    start: retractable(
      'a sandbox',
      async (request, options) => startedToWire(await agent.start(startFromWire(request), options)),
      long,
    ),
    stop: unary(async (request, { signal }) => {
      await abortable(agent.stop(request.sandboxId, stopFromWire(request)), signal);
      return {};
    }, long),
    pause: unary(async ({ sandboxId }) => {
      await agent.pause(sandboxId);
      return {};
    }),
    unpause: unary(async ({ sandboxId }) => {
      await agent.unpause(sandboxId);
      return {};
    }),
    signal: unary(async ({ sandboxId, signal }) => {
      await agent.signal(sandboxId, signal);
      return {};
    }),
    rename: unary(async ({ sandboxId, claimName }) => {
      await agent.rename(sandboxId, claimName);
      return {};
    }),
    update: unary(async ({ sandboxId, resources }) => {
      await agent.update(sandboxId, limitsFromWire(resources));
      return {};
    }),
    usage: unary(async ({ sandboxId }) => {
      const usage = await agent.usage(sandboxId);
      return { usage: usage && usageToWire(usage) };
    }),
    logBytes: unary(async ({ sandboxId }) => ({ bytes: await agent.logBytes(sandboxId) })),
    forget: unary(async ({ sandboxId, logOf }) => {
      await agent.forget(sandboxId, { ...(logOf && { logOf }) });
      return {};
    }),
    retainedLog: unary(async ({ name = { namespace: '', name: '' } }) => ({
      sandboxId: await agent.retainedLog(name),
    })),
    sandboxes: unary(async (_request, options) => ({
      sandboxes: (await agent.sandboxes(options)).map(sandboxToWire),
    })),
    watch: serverStream((_request, options) => agent.watch(options), newsToWire, long),
  };
}
