import type { CorePaths } from '../../../core/model/paths.ts';
import { readEnded } from '../../../core/root/status-file.ts';

/**
 * What the core before was started with, where it did not end in order: the next one that nobody gave any has them as well,
 * but for policies of pools, which are on record. To be asked while none runs.
 */
export async function flagsOfEnded({ status }: Pick<CorePaths, 'status'>): Promise<string[]> {
  const { flags = [] } = (await readEnded(status)) ?? {};
  if (flags.length === 0) return [];
  const { keptFlags } = await import('./serve-flags.ts');
  return keptFlags(flags, []);
}
