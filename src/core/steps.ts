import type { AgentApi, StartRequest } from './api/agent-api.ts';
import type { SandboxApi } from './api/sandbox-api.ts';
import type { SandboxRef } from './model/sandbox/sandbox.ts';
import { tracedPart } from './model/trace.ts';

/** Which calls of the seams are steps of a trace: those that do something, and may take a while. */

const OF_SANDBOXES = [
  ...(['create', 'delete', 'stop', 'start', 'restart', 'reset', 'pause', 'unpause'] as const),
  ...(['rename', 'update', 'wait', 'exec', 'attach'] as const),
];
const OF_AGENT = [
  ...(['start', 'exec', 'execOnFiles', 'attach', 'pause', 'unpause', 'update', 'forget'] as const),
];

export const tracedController = (sandboxes: SandboxApi): SandboxApi =>
  tracedPart('controller', sandboxes, OF_SANDBOXES, ({ namespace, name }: Partial<SandboxRef>) => ({
    ...(namespace && { 'fsb.namespace': namespace }),
    ...(name && { 'fsb.sandbox': name }),
  }));

export const tracedAgent = <Agent extends AgentApi>(agent: Agent): Agent =>
  tracedPart('agent', agent, OF_AGENT, (sandbox: string | Pick<StartRequest, 'sandboxId'>) => ({
    'fsb.sandbox.id': typeof sandbox === 'string' ? sandbox : sandbox.sandboxId,
  }));
