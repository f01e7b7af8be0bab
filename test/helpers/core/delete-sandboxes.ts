import type { ListQuery, SandboxApi } from '../../../src/core/api/sandbox-api.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';

/**
 * Deletes those that there are, side by side. One that was on its way out when it was listed (an earlier core was asked to delete
 * it, or its caller left before it was there) may be gone before its turn.
 */
export async function deleteSandboxes(
  sandboxes: Pick<SandboxApi, 'list' | 'delete'>,
  query: ListQuery = {},
  except?: { id: string },
): Promise<void> {
  const left = (await sandboxes.list(query)).filter(({ id }) => id !== except?.id);
  const remove = left.map((sandbox) =>
    sandboxes.delete(sandbox, { grace: 0 }).catch((error: unknown) => {
      const mayBeGone = ['Pending', 'Terminating'].includes(sandbox.state.phase);
      if (!mayBeGone || FsbError.from(error).code !== 'not_found') throw error;
    }),
  );
  await Promise.all(remove);
}
