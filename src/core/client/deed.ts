import type { CallOptions } from '../api/sandbox-api.ts';
import { systemClock } from '../model/clock.ts';
import { FsbError } from '../model/failure/errors.ts';
import { askAgain } from './ask-again.ts';
import { wasReached, wentAway } from './unreachable.ts';

/** Something that a core may have done although it went away, or its caller did, before it said so. */
export interface Deed<T> {
  /** After "cannot tell whether": `sandbox box was stopped`. */
  what: string;
  /** What to do about not knowing, a sentence. */
  hint: string;
  act: () => Promise<T>;
  /**
   * Asked of the next core: how far it came, and what is missing is done. Left out: doing it again does no harm.
   * @param since when it was asked for first, milliseconds since the epoch
   */
  again?: (since: number) => Promise<T>;
}

/**
 * Whose core goes away asks the next one. Where there is none in time, nobody may be told that there was no core, for that
 * means that nothing was done.
 * @param look as askAgain()
 * @throws what the deed throws; run_failed (`isLost`) where it cannot be told; timeout, with a word about that
 */
export async function carryThrough<T>(
  { what, hint, act, again = act }: Deed<T>,
  options: CallOptions | undefined,
  look: (options: CallOptions) => Promise<unknown>,
): Promise<T> {
  const since = systemClock.now();
  let begun = false;
  const ask = (): Promise<T> =>
    (begun ? again(since) : act()).catch((error) => {
      begun ||= wentAway(FsbError.from(error));
      throw error;
    });
  return askAgain(ask, options ?? {}, look).catch((thrown) => {
    const error = FsbError.from(thrown);
    if (begun && error.code === 'unavailable') throw cannotTell(what, hint, error);
    throw outOfTime({ what, hint }, error, options?.signal);
  });
}

/**
 * The same for what cannot be asked about, and would do harm when it was done twice.
 * @param options left out: what comes too late for its caller is taken back
 */
export const orCannotTell = <T>(
  { what, hint, act }: Omit<Deed<T>, 'again'>,
  options?: CallOptions,
): Promise<T> =>
  act().catch((thrown) => {
    const error = FsbError.from(thrown);
    if (wasReached(error)) throw cannotTell(what, hint, error);
    throw outOfTime({ what, hint }, error, options?.signal);
  });

/** Whose time is up here has hung up; a core that is slow, or stands still, may do it all the same. */
function outOfTime(
  { what, hint }: Pick<Deed<never>, 'what' | 'hint'>,
  error: FsbError,
  signal: AbortSignal | undefined,
): FsbError {
  if (!signal?.aborted || error.code !== 'timeout') return error;
  return new FsbError('timeout', `${error.message}: cannot tell whether ${what}`, {
    hint: error.hint === undefined ? hint : `${hint} ${error.hint}`,
    cause: error,
  });
}

const cannotTell = (what: string, hint: string, cause: FsbError): FsbError =>
  new FsbError('run_failed', `cannot tell whether ${what}: ${cause.message}`, { hint, cause });

interface Named {
  name: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
}

/** What is done again must not be done to what has the name by now. @param what as of the deed @throws conflict */
export function assertNotNewer({ name, createdAt }: Named, since: number, what: string): void {
  if (createdAt < since) return;
  throw new FsbError(
    'conflict',
    `cannot tell whether ${what}: the core ended, and by now another one is called ${name}`,
    { hint: 'That one is left as it is: do the same again if it is meant.' },
  );
}

/** Undefined for what is not there. */
export const ifThere = <T>(found: Promise<T>): Promise<T | undefined> =>
  found.catch((error) => {
    if (FsbError.from(error).code !== 'not_found') throw error;
    return undefined;
  });
