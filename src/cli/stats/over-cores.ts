import type { Clock } from '../../core/model/clock.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { LOOKING } from '../command/looking.ts';
import { pause } from './pause.ts';

/** Milliseconds between two tries. */
const PAUSE = 500;
/** Milliseconds after which people are told. */
const A_WHILE = 1_000;
/** Milliseconds after which nobody tries any more, as in core/client. */
const LONGEST = 10_000;

interface Waiting {
  clock: Clock;
  signal: AbortSignal;
  say: (text: string) => unknown;
}

/**
 * Asks what has no place to go on from: where the core has gone, the next one. For who had an answer before.
 * @throws what `ask` throws; unavailable where there is no core in ten seconds
 */
export async function overCores<T>(ask: () => Promise<T>, { clock, signal, say }: Waiting): Promise<T> {
  const begun = clock.monotonic();
  for (let told = false; ; ) {
    try {
      return await ask();
    } catch (error) {
      const waited = clock.monotonic() - begun;
      if (signal.aborted || FsbError.from(error).code !== 'unavailable' || waited >= LONGEST) throw error;
      if (!told && waited >= A_WHILE) {
        told = true;
        await say(LOOKING);
      }
      await pause(PAUSE, clock, signal);
    }
  }
}
