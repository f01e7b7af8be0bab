import { type Logger, pino } from 'pino';

/** Bytes that wait in memory while the disk takes none; what comes then is lost. */
const MOST_WAITING = 1024 * 1024;

/**
 * The log of a core, written at once. On a full disk it stands still until there is room: a core that died of that would
 * take every caller with it.
 */
export function openCoreLog(path: string, level: string): Logger {
  const destination = pino.destination({ dest: path, sync: true, maxLength: MOST_WAITING });
  destination.on('error', () => {});
  return pino({ level, base: { pid: process.pid } }, destination);
}
