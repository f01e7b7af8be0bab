import type { CoreApi } from '../../core/api/core-api.ts';
import type { CallOptions } from '../../core/api/sandbox-api.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { type Candidates, endedSandboxes, type PruneTerms } from './prune.ts';
import { deletedLogs } from './prune-logs.ts';

/**
 * Who may not remove images is refused as a whole, before anything is gone and with nothing to add up.
 * @throws denied
 */
export async function assertMayPrune({ images }: Pick<CoreApi, 'images'>, call: CallOptions): Promise<void> {
  await images.prune({ all: false, dryRun: true }, call).catch((error: unknown) => {
    const { code, message, hint = '' } = FsbError.from(error);
    // Any other failure is one of this step, and told there.
    if (code === 'denied')
      throw new FsbError(code, message, {
        hint: `${hint} Ended sandboxes alone go with: fsb-ctl system prune --sandboxes`.trim(),
        cause: error,
      });
  });
}

/** What `system prune` removes beside what the core finds itself. */
export const candidatesOf = async (
  core: Pick<CoreApi, 'sandboxes' | 'system'>,
  terms: PruneTerms,
  at: { now: number; call: CallOptions },
): Promise<Candidates> => ({
  ended: await endedSandboxes(core, terms, at),
  logs: terms.sandboxesOnly ? [] : await deletedLogs(core, terms, at),
});
