import { FsbError } from '../../core/model/errors.ts';

/** What to tell a person for whom a claim takes long. */
export const waiting = (pool: string): string =>
  `Waiting for an instance of pool ${pool}: see fsb-ctl pool status ${pool}`;

/** A --timeout that ends before there is an instance is want of capacity, not a command that took too long. */
export async function untilClaimed<T>(claim: Promise<T>, pool: string, signal: AbortSignal): Promise<T> {
  try {
    return await claim;
  } catch (error) {
    if (!signal.aborted || FsbError.from(signal.reason).code !== 'timeout') throw error;
    throw new FsbError('no_capacity', `no instance of pool ${pool} came in time: ${signal.reason.message}`, {
      hint: `See fsb-ctl pool status ${pool}; give it more time with --timeout, or raise --max.`,
      cause: error,
    });
  }
}
