import { setTimeout as delay } from 'node:timers/promises';
import type { CallOptions } from '../api/sandbox-api.ts';
import { FsbError, throwIfAborted } from '../model/errors.ts';
import { ConnectionClosed, wasReached } from './unreachable.ts';

/** Pauses before the next try, milliseconds: together as long as a core may take to be there again. */
const PAUSES = [50, 200, 500, 1000, 2000, 2000, 2000, 2000];
/** Milliseconds. A core that had the question for so long was there: when it goes away, the pauses begin anew. */
const LIVED = 1_000;

/**
 * A call that waits long and changes nothing: when the core goes away meanwhile, the next one is asked.
 * @throws what `ask` throws; `unavailable` at once where there was no core to begin with
 */
export async function askAgain<T>(ask: () => Promise<T>, { signal }: CallOptions = {}): Promise<T> {
  for (let failures = 0; ; failures++) {
    const asked = performance.now();
    try {
      return await ask();
    } catch (thrown) {
      const error = FsbError.from(thrown);
      if (wentAway(error) && performance.now() - asked >= LIVED) failures = 0;
      const pause = PAUSES[failures];
      if (pause === undefined || !(failures === 0 ? wentAway(error) : mayComeBack(error))) throw error;
      // A timer that keeps the process alive: nothing else does while there is no connection.
      await delay(pause, undefined, { signal }).catch(() => throwIfAborted(signal));
    }
  }
}

const mayComeBack = (error: FsbError): boolean =>
  error.code === 'unavailable' && !(error instanceof ConnectionClosed);

/** It said so, or the connection broke. */
const wentAway = (error: FsbError): boolean =>
  mayComeBack(error) && (error.cause === undefined || wasReached(error));
