import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import type { CoreProcess } from '../core-process.ts';
import { filesInBetween } from '../leftovers.ts';
import { traces } from '../traces.ts';
import { recordsOn } from './records.ts';

/**
 * What there is besides a core that runs, one sandbox, and the idle instances of its pools: processes, mounts, cgroups,
 * directories, logs, records, files. Looked at from outside; empty when all is clean.
 */
export async function strays({ api, pid }: CoreProcess, root: string, { id }: Sandbox): Promise<string[]> {
  const { keys, instances } = await recordsOn(root);
  const having = (has: (use: ReturnType<typeof instances.get>) => boolean): string[] =>
    [...instances].flatMap(([instance, use]) => (has(use) ? [instance] : []));
  const idle = having((use) => use === undefined);
  const wanted = [...idle, ...having((use) => use?.by === 'sandbox' && use.sandboxId === id)];
  const records = [`sandboxes/${id}`, `slots/${id}`, ...wanted.map((instance) => `instances/${instance}`)];
  const counted = (await api.pools.list()).reduce((sum, pool) => sum + pool.idle, 0);
  return [
    ...keys.filter((key) => !records.includes(key)).map((key) => `record ${key}`),
    ...(counted === idle.length ? [] : [`${idle.length} idle instances on record, ${counted} in the pools`]),
    ...(await traces(root, { pid, instances: wanted, sandboxes: [id] })),
    ...(await filesInBetween(root)),
  ];
}
