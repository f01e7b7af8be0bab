import { hostname } from 'node:os';
import type { AgentApi } from './api/agent-api.ts';
import type { CoreApi, CoreFacts } from './api/core-api.ts';
import type { SandboxApi } from './api/sandbox-api.ts';
import { machineInfo } from './machine.ts';
import type { RuntimeProbe } from './runtime/driver.ts';
import type { Upkeep } from './upkeep/upkeep.ts';

interface FactParts {
  version: string;
  root: string;
  probe: RuntimeProbe;
  /** Milliseconds since the epoch. */
  startedAt: number;
  flags?: readonly string[] | undefined;
}

/** What a core says of itself before it listens anywhere. */
export const coreFacts = ({ version, root, probe, startedAt, flags }: FactParts): CoreFacts => ({
  ...machineInfo(),
  ...{ version, root, startedAt },
  node: hostname(),
  pid: process.pid,
  runtime: `${probe.name} ${probe.version}`,
  http: '',
  metrics: '',
  cgroups: probe.cgroups,
  ...(flags && { flags }),
});

interface ApiParts {
  sandboxes: SandboxApi;
  agent: Pick<AgentApi, 'pools' | 'images' | 'events' | 'logBytes'>;
  upkeep: Upkeep;
  info: CoreFacts;
}

/** The core, from its parts. */
export function coreApi({ sandboxes, agent, upkeep, info }: ApiParts, close: () => Promise<void>): CoreApi {
  return {
    sandboxes,
    pools: agent.pools,
    images: agent.images,
    system: {
      info: async () => ({ ...info, logBytes: await agent.logBytes() }),
      ...upkeep,
      events: agent.events,
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
