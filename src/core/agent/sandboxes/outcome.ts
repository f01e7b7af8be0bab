import type { GuestProcess } from '../../guest/guest-channel.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { SIGKILL } from '../../model/process.ts';
import type { SlotEnd } from '../ledger/records.ts';
import type { MemoryVerdict } from './memory-verdict.ts';
import type { Stopping } from './stopping.ts';

interface Witnesses {
  main: Pick<GuestProcess, 'exited'>;
  /** Rejects when the main process could not be killed. */
  abandoned: Promise<never>;
  stopping: Pick<Stopping, 'killed'>;
  memory: Pick<MemoryVerdict, 'ranOut'>;
  clock: Pick<Clock, 'now'>;
}

/** How a main process ended, as soon as it has: with its own status, or with what can be said without one. Never rejects. */
export async function outcome({ main, abandoned, stopping, memory, clock }: Witnesses): Promise<SlotEnd> {
  // What was killed by its owner did not end for lack of memory.
  const ranOutOfMemory = async (): Promise<boolean> => !stopping.killed && memory.ranOut();
  try {
    const status = await Promise.race([main.exited, abandoned]);
    const oomKilled = status.signal === SIGKILL && (await ranOutOfMemory());
    return { kind: 'exited', at: clock.now(), status: oomKilled ? { ...status, oomKilled } : status };
  } catch (error) {
    const at = clock.now();
    // Where the kernel kills the whole group for memory, PID 1 goes too and nobody is left to report the exit.
    if (await ranOutOfMemory())
      return { kind: 'exited', at, status: { code: null, signal: SIGKILL, oomKilled: true } };
    return { kind: 'lost', at, reason: FsbError.from(error).message };
  }
}
