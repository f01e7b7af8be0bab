import type { GuestChannel } from '../guest/guest-channel.ts';
import type { Clock } from '../model/clock.ts';
import { FsbError } from '../model/failure/errors.ts';
import { failpoint } from '../model/failure/failpoint.ts';
import type { RuntimeDriver } from '../runtime/driver.ts';

/** Milliseconds between two counts of what is left: the first, and the longest. */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 64;

export interface ScrubOptions {
  id: string;
  channel: GuestChannel;
  driver: Pick<RuntimeDriver, 'stats'>;
  clock: Clock;
  /** Milliseconds. */
  limit: number;
}

/**
 * Kills everything in a guest but its PID 1, and comes back when the kernel counts nothing else there and PID 1 answers.
 * @throws timeout, and what the driver and the channel throw
 */
export async function scrubGuest({ id, channel, driver, clock, limit }: ScrubOptions): Promise<void> {
  const deadline = clock.monotonic() + limit;
  await channel.scrub();
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    const { pids } = await driver.stats(id);
    if (pids === 1) break;
    if (clock.monotonic() >= deadline) throw leftover(id, pids);
    // Nothing tells of the end of a grandchild that was orphaned; a killed process is gone within moments.
    await new Promise<void>((resolve) => clock.after(pause, resolve));
    await channel.scrub();
  }
  failpoint('scrub.emptied');
  await channel.ping(limit);
}

const leftover = (id: string, pids: number): FsbError =>
  new FsbError(
    'timeout',
    pids > 1
      ? `after SIGKILL ${pids - 1} processes are left in instance ${id}`
      : `the processes of instance ${id} cannot be counted`,
  );
