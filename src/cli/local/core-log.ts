import { type Logger, pino } from 'pino';
import type { CorePaths } from '../../core/model/paths.ts';
import { makePrivateDirectory } from '../../core/private-directory.ts';

/** The log of a core that runs in this process: lines of JSON, written at once. */
export function openCoreLog(paths: CorePaths, level: string): Logger {
  makePrivateDirectory(paths.state);
  return pino({ level, base: { pid: process.pid } }, pino.destination({ dest: paths.log, sync: true }));
}
