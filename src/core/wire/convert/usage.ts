import type { UsageQuery } from '../../api/sandbox-api.ts';
import { DEFAULT_NAMESPACE } from '../../model/ids.ts';
import type { SandboxUsage } from '../../model/sandbox/sandbox.ts';
import { defaultResources } from '../../model/sandbox/shape.ts';
import type { UsageRequest, SandboxUsage as WireUsage } from '../gen/fastpath/v1/fastpath.ts';
import { defined, resourcesToWire } from './parts.ts';

/** What sandboxes use. */

export const usageQueryToWire = ({ namespace, names }: UsageQuery): UsageRequest => ({
  namespace: namespace ?? '',
  allNamespaces: namespace === undefined,
  sandboxNames: names ?? [],
});

export const usageQueryFromWire = (wire: UsageRequest): UsageQuery =>
  defined({
    namespace: wire.allNamespaces ? undefined : wire.namespace || DEFAULT_NAMESPACE,
    names: wire.sandboxNames.length === 0 ? undefined : wire.sandboxNames,
  });

export const usageToWire = (usage: SandboxUsage): WireUsage => ({
  sandboxId: usage.id,
  namespace: usage.namespace,
  sandboxName: usage.name,
  timeMilliseconds: usage.time,
  cpuMicroseconds: usage.cpuMicros,
  memory: usage.memory,
  pids: usage.pids,
  limits: resourcesToWire(usage.limits),
});

export const usageFromWire = (wire: WireUsage): SandboxUsage => ({
  id: wire.sandboxId,
  namespace: wire.namespace,
  name: wire.sandboxName,
  time: wire.timeMilliseconds,
  cpuMicros: wire.cpuMicroseconds,
  memory: wire.memory,
  pids: wire.pids,
  limits: { ...defaultResources, ...defined(wire.limits ?? {}) },
});
