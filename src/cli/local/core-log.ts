import { type Logger, pino } from 'pino';
import type { CorePaths } from '../../core/model/paths.ts';
import { makePrivateDirectory } from '../../core/private-directory.ts';

/** Bytes that wait in memory while the disk takes none; what comes then is lost. */
const MOST_WAITING = 1024 * 1024;

/**
 * The log of a core that runs in this process: lines of JSON, written at once. On a full disk it stands still until there
 * is room: a core that died of that would take every caller with it.
 */
export function openCoreLog(paths: CorePaths, level: string): Logger {
  makePrivateDirectory(paths.state);
  const destination = pino.destination({ dest: paths.log, sync: true, maxLength: MOST_WAITING });
  destination.on('error', () => {});
  return pino({ level, base: { pid: process.pid } }, destination);
}
