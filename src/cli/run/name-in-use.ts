import type { CallOptions, SandboxApi } from '../../core/api/sandbox-api.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { nameInUse } from '../../core/model/ids.ts';
import type { SandboxRef } from '../../core/model/sandbox/sandbox.ts';

/**
 * Asked before an editor opens: whoever has written a text wants to hear nothing of the kind. Only a creation reserves it.
 * @throws already_exists, what the core says
 */
export async function assertNameFree(
  sandboxes: SandboxApi,
  ref: SandboxRef,
  call: CallOptions,
): Promise<void> {
  const found = await sandboxes.get(ref, call).catch((error) => {
    if (FsbError.from(error).code === 'not_found') return undefined;
    throw error;
  });
  // What is found by its id has another name, and what is being deleted has given its name back.
  if (found?.name === ref.name && found.state.phase !== 'Terminating') throw nameInUse(ref.name);
}
