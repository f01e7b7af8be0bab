import { abortable } from '../../core/model/async/abortable.ts';
import type { Clock } from '../../core/model/clock.ts';

/** Node.js takes no longer ones. */
const LONGEST = 2_147_483_647;

/**
 * Resolves after so many milliseconds. A timer of the clock keeps no process alive, and while nothing is asked of the
 * core, neither does anything else: without more it would just end. @throws the signal's reason
 */
export async function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  const alive = setInterval(() => {}, LONGEST);
  let cancel = (): void => {};
  try {
    const over = new Promise<void>((resolve) => {
      cancel = clock.after(ms, resolve);
    });
    await abortable(over, signal);
  } finally {
    cancel();
    clearInterval(alive);
  }
}
