import { FsbError } from '../../../core/model/failure/errors.ts';

/** Those of pino, and its name for none. Pino takes them in any case and throws a bare error at any other word. */
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** Level of the core's log. @throws invalid_argument */
export function logLevel(env: Record<string, string | undefined>): string {
  const level = (env.FSB_LOG_LEVEL || 'info').toLowerCase();
  if (LEVELS.includes(level)) return level;
  throw new FsbError(
    'invalid_argument',
    `FSB_LOG_LEVEL: unknown level ${JSON.stringify(env.FSB_LOG_LEVEL)}`,
    {
      hint: `Use one of ${LEVELS.join(', ')}.`,
    },
  );
}
