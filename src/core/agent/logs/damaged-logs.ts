import type { LogStore } from '../../logs/log-store.ts';
import type { RecordTable } from '../../store/store.ts';
import type { KeptFiles } from '../ledger/kept-files.ts';
import type { SlotRecord } from '../ledger/records.ts';

/** The sandboxes of which files of logs are gone or cannot be read, by their ids. */
export async function damagedLogs(
  slots: Pick<RecordTable<SlotRecord>, 'entries' | 'get'>,
  files: Pick<KeptFiles, 'entries' | 'logOf'>,
  logs: Pick<LogStore, 'isWhole'>,
): Promise<string[]> {
  const damaged: string[] = [];
  // One after the other: however many there are, other readers get their turns.
  for (const [sandboxId, { instance }] of [...slots.entries()]) {
    if (await logs.isWhole(files.logOf(sandboxId))) continue;
    // It may have been deleted meanwhile, or its log has gone to the next generation, with its files.
    const owner = new Map(files.entries()).get(instance) ?? sandboxId;
    if (slots.get(sandboxId) !== undefined && owner === sandboxId) damaged.push(sandboxId);
  }
  return damaged.sort();
}
