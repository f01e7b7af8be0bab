import { type Logger, pino } from 'pino';
import type { CorePaths } from '../../core/model/paths.ts';
import { makePrivateDirectory } from '../../core/private-directory.ts';

/** The log of a core that runs in this process: lines of JSON, written at once. */
export function openCoreLog(paths: CorePaths, level: string): Logger {
  makePrivateDirectory(paths.state);
  const destination = pino.destination({ dest: paths.log, sync: true });
  // On a full disk the log stands still; a core that died of that would take every caller with it.
  destination.on('error', () => {});
  return pino({ level, base: { pid: process.pid } }, destination);
}
