import type { Clock } from '../clock.ts';
import { abortable } from './abortable.ts';

/**
 * False when the time was up first; the work goes on then.
 * @throws what the work fails with, the signal's reason
 */
export async function endsWithin(
  clock: Clock,
  ms: number,
  work: Promise<unknown>,
  signal?: AbortSignal,
): Promise<boolean> {
  let cancel = (): void => {};
  const late = new Promise<boolean>((resolve) => {
    cancel = clock.after(ms, () => resolve(false));
  });
  const ended = abortable(work, signal).then(() => true);
  // It may fail long after the time was up, when nobody waits any more.
  ended.catch(() => {});
  return Promise.race([ended, late]).finally(cancel);
}
