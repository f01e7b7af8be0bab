import type { AgentApi } from '../../api/agent-api.ts';
import { type Guard, guardPart } from './guard-part.ts';
import { agentTable, tables } from './tables.ts';

/** The node as callers have it: all of it is for those who may do everything. */
export const agentFor = (agent: AgentApi, guard: Guard): AgentApi => ({
  ...guardPart('agent', agent, agentTable, guard),
  pools: guardPart('pools', agent.pools, tables.pools, guard),
  images: guardPart('images', agent.images, tables.images, guard),
});
