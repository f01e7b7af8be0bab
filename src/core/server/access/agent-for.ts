import type { AgentApi } from '../../api/agent-api.ts';
import { type Guard, guardPart } from './guard-part.ts';
import type { Table } from './row.ts';
import { tables } from './tables.ts';

/** It knows no namespaces, and mounts whatever it is told to. */
const admin = { scope: 'admin', everywhere: true } as const;
const ofId = { ...admin, object: (sandboxId: string): string => sandboxId } as const;

const agentTable: Table<AgentApi> = {
  facts: admin,
  start: { ...admin, object: ({ sandboxId }) => sandboxId },
  stop: ofId,
  pause: ofId,
  unpause: ofId,
  signal: ofId,
  rename: ofId,
  update: ofId,
  usage: ofId,
  exec: ofId,
  execOnFiles: { ...admin, object: ({ sandboxId }) => sandboxId },
  attach: ofId,
  logs: { ...ofId, stream: true },
  logBytes: admin,
  forget: ofId,
  retainedLog: admin,
  sandboxes: admin,
  watch: { ...admin, stream: true },
  events: { ...admin, stream: true },
};

/** The node as callers have it: all of it is for those who may do everything. */
export const agentFor = (agent: AgentApi, guard: Guard): AgentApi => ({
  ...guardPart('agent', agent, agentTable, guard),
  pools: guardPart('pools', agent.pools, tables.pools, guard),
  images: guardPart('images', agent.images, tables.images, guard),
});
