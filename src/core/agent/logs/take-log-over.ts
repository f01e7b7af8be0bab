import type { LogStore } from '../../logs/log-store.ts';
import type { KeptFiles } from '../ledger/kept-files.ts';

/**
 * To be called when a sandbox has taken files over: the log of the generation before goes with them.
 * @throws why it cannot be moved: it is where it was then, and goes with the files the next time
 */
export async function takeLogOver(
  sandboxId: string,
  files: Pick<KeptFiles, 'logOf' | 'logCame'>,
  logs: Pick<LogStore, 'handOver'>,
): Promise<void> {
  await logs.handOver(files.logOf(sandboxId), sandboxId);
  files.logCame(sandboxId);
}
