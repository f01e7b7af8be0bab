import { join } from 'node:path';
import type { Cleanup } from '../cleanup.ts';
import { createLogStore, type LogStoreOptions } from '../logs/file-log-store.ts';
import type { LogStore } from '../logs/log-store.ts';
import { assertLogSize } from '../model/logs.ts';
import type { NodeOptions } from './node-options.ts';

type LogParts = Pick<NodeOptions, 'paths' | 'logSize' | 'tally' | 'clock' | 'log'> &
  Pick<LogStoreOptions, 'said'>;

/** @throws invalid_argument for a size that no log can have */
export async function openLogs(
  { paths, logSize, said, tally, clock, log }: LogParts,
  cleanup: Cleanup,
): Promise<LogStore> {
  const logs = await createLogStore({
    directory: join(paths.state, 'logs'),
    ...segmentsOf(logSize),
    ...(said && { said }),
    tally: tally.logs,
    clock,
    log,
  });
  cleanup.add('logs', () => logs.close());
  return logs;
}

/** When a log is full its oldest third goes. @throws invalid_argument */
function segmentsOf(logSize: number | undefined): { segmentBytes?: number } {
  if (logSize === undefined) return {};
  assertLogSize(logSize);
  return { segmentBytes: Math.floor(logSize / 3) };
}
