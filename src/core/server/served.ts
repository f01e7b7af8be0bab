import type { AgentApi } from '../api/agent-api.ts';
import type { CoreApi } from '../api/core-api.ts';

/** What callers reach: a core, and where a controller elsewhere runs its sandboxes here, the node below it. */
export interface Served extends CoreApi {
  agent?: AgentApi;
}
