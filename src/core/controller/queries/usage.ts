import type { AgentApi } from '../../api/agent-api.ts';
import type { UsageQuery } from '../../api/sandbox-api.ts';
import { DEFAULT_NAMESPACE } from '../../model/ids.ts';
import type { Sandbox, SandboxUsage } from '../../model/sandbox/sandbox.ts';
import { defaultResources } from '../../model/sandbox/shape.ts';
import type { Registry } from '../records/registry.ts';
import { listed } from './listing.ts';

/** What sandboxes use at this moment; see SandboxApi.usage. @throws not_found */
export async function usageOf(
  { namespace, names }: UsageQuery,
  { registry, agent, now }: { registry: Registry; agent: AgentApi; now: () => number },
): Promise<SandboxUsage[]> {
  const asked = names
    ? [...new Set(names)].map((name) => registry.require({ namespace: namespace ?? DEFAULT_NAMESPACE, name }))
    : registry.entries();
  const all = asked.map(({ sandbox }) => sandbox);
  const running = listed(all, { namespace, phases: ['Running'] });
  const read = await Promise.all(running.map((sandbox) => usageOfOne(sandbox, agent, now)));
  return read.flatMap((usage) => usage ?? []);
}

async function usageOfOne(
  { id, namespace, name, spec }: Sandbox,
  agent: AgentApi,
  now: () => number,
): Promise<SandboxUsage | undefined> {
  const usage = await agent.usage(id);
  const limits = { ...defaultResources, ...spec.resources };
  return usage && { id, namespace, name, time: now(), ...usage, limits };
}
