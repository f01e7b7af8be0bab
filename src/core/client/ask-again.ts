import { setTimeout as delay } from 'node:timers/promises';
import type { CallOptions } from '../api/sandbox-api.ts';
import { withEither } from '../model/async/either-signal.ts';
import { FsbError, throwIfAborted } from '../model/failure/errors.ts';
import { mayComeBack, wentAway } from './unreachable.ts';

/** Pauses before the next try, milliseconds: together as long as a core may take to be there again. */
const PAUSES = [50, 200, 500, 1000, 2000, 2000, 2000, 2000];
/** Milliseconds from when it went away, for tries that take long themselves: a network that swallows everything says nothing. */
const LONGEST = 12_000;
/** Milliseconds. A core that had the question for so long was there: when it goes away, the pauses begin anew. */
const LIVED = 1_000;

/** Milliseconds for a sign of life of the next core, before it is asked what takes long. */
const SIGN_OF_LIFE = 3_000;

/**
 * A call that can be asked again: when the core goes away meanwhile, the next one is asked.
 * @param look asks for something that is answered at once
 * @throws what `ask` throws; `unavailable` at once where there was no core to begin with
 */
export async function askAgain<T>(
  ask: () => Promise<T>,
  { signal }: CallOptions,
  look: (options: CallOptions) => Promise<unknown>,
): Promise<T> {
  let goneAt = 0;
  for (let failures = 0, times = 0; ; failures++, times++) {
    const asked = performance.now();
    try {
      if (times > 0) await signOfLife(look, signal);
      return await ask();
    } catch (thrown) {
      const error = FsbError.from(thrown);
      if (wentAway(error) && performance.now() - asked >= LIVED) failures = 0;
      if (failures === 0) goneAt = performance.now();
      const pause = performance.now() - goneAt < LONGEST ? PAUSES[failures] : undefined;
      if (pause === undefined || !(failures === 0 ? wentAway(error) : mayComeBack(error))) throw error;
      // A timer that keeps the process alive: nothing else does while there is no connection.
      await delay(pause, undefined, { signal }).catch(() => throwIfAborted(signal));
    }
  }
}

/** @throws what `look` throws; unavailable when it says nothing */
async function signOfLife(
  look: (options: CallOptions) => Promise<unknown>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const late = AbortSignal.timeout(SIGN_OF_LIFE);
  await withEither(signal, late, (either) => look({ signal: either })).catch((error) => {
    if (!late.aborted) throw error;
    throw new FsbError('unavailable', 'the core went away, and nothing answers where it was', {
      cause: error,
    });
  });
}
