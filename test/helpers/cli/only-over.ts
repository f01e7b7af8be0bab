import { describe, it } from 'vitest';
import { type Transport, transport } from './transports.ts';

type Tests = Pick<typeof import('vitest'), 'describe' | 'it'>;

/**
 * For tests of one subject that only some transports have. Over the others they are not there: nothing is skipped.
 *
 *     onlyOver(['unix'], 'nobody starts a core that is elsewhere').it('is started by ...', ...)
 */
export function onlyOver(transports: Transport[], _why: string): Tests {
  return transports.includes(transport) ? { describe, it } : NOWHERE;
}

/** Also as `it.each(rows)(name, test)`, in whatever chain of words. */
const nothing: unknown = new Proxy(() => nothing, { get: () => nothing });
const NOWHERE = { describe: nothing, it: nothing } as Tests;
