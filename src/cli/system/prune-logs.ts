import type { CoreApi } from '../../core/api/core-api.ts';
import type { CallOptions } from '../../core/api/sandbox-api.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { LogUsage } from '../../core/model/system.ts';
import type { DeletedLog, PruneTerms } from './prune.ts';

type WithLogs = { system: Pick<CoreApi['system'], 'retainedLogs' | 'removeLogs'> };

/** Those that are meant. Nobody knows any more which labels their sandboxes had. */
export async function deletedLogs(
  { system }: WithLogs,
  { filter: { olderThan = -1, labels }, namespace }: Pick<PruneTerms, 'filter' | 'namespace'>,
  { now, call }: { now: number; call: CallOptions },
): Promise<DeletedLog[]> {
  if (labels !== undefined) return [];
  return (await retained(system, call)).flatMap(({ sandboxId, size, deleted }) => {
    const isMeant =
      deleted !== undefined &&
      now - deleted.at > olderThan &&
      [undefined, deleted.namespace].includes(namespace);
    return isMeant ? [{ id: sandboxId, namespace: deleted.namespace, name: deleted.name, size }] : [];
  });
}

/** Those, and what was kept just now of sandboxes that were pruned. @returns those */
export async function removeDeletedLogs(
  { system }: WithLogs,
  logs: DeletedLog[],
  pruned: readonly string[],
  call: CallOptions,
): Promise<DeletedLog[]> {
  const meant = new Set([...logs.map(({ id }) => id), ...pruned]);
  const found = (await retained(system, call)).map(({ sandboxId }) => sandboxId);
  const ids = found.filter((id) => meant.has(id));
  if (ids.length > 0) await system.removeLogs(ids, call);
  return logs;
}

/** A core that is too old to say keeps none. */
async function retained(
  system: Pick<CoreApi['system'], 'retainedLogs'>,
  call: CallOptions,
): Promise<LogUsage[]> {
  try {
    return await system.retainedLogs(call);
  } catch (error) {
    if (FsbError.from(error).code === 'unsupported') return [];
    throw error;
  }
}
