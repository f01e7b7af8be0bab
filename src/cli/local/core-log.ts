import { type Logger, pino } from 'pino';
import { systemClock } from '../../core/model/clock.ts';
import type { CorePaths } from '../../core/model/paths.ts';
import { makePrivateDirectory } from '../../core/private-directory.ts';
import { CoreLogFile } from './core-log-file.ts';

/** The log of a core that runs in this process: lines of JSON, written at once; what cannot be written is dropped. */
export function openCoreLog(paths: CorePaths, level: string): Logger {
  makePrivateDirectory(paths.state);
  return pino({ level, base: { pid: process.pid } }, new CoreLogFile(paths.log, systemClock));
}
