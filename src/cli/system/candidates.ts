import type { CoreApi } from '../../core/api/core-api.ts';
import type { CallOptions } from '../../core/api/sandbox-api.ts';
import { type Candidates, endedSandboxes, type PruneTerms } from './prune.ts';
import { deletedLogs } from './prune-logs.ts';

/** What `system prune` removes beside what the core finds itself. */
export const candidatesOf = async (
  core: Pick<CoreApi, 'sandboxes' | 'system'>,
  terms: PruneTerms,
  at: { now: number; call: CallOptions },
): Promise<Candidates> => ({
  ended: await endedSandboxes(core, terms, at),
  logs: await deletedLogs(core, terms, at),
});
