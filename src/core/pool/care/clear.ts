import type { WaitQueue } from '../claims/wait-queue.ts';
import type { Arrivals } from '../fleet/arrivals.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { ShapeRecord, Slot } from '../shapes/shape-record.ts';

export interface ClearOptions {
  fleet: Fleet;
  arrivals: Arrivals;
  queue: WaitQueue<Slot>;
}

/**
 * Destroys what is idle of some shapes, and gives up the boots that nobody waits for. Resolves when that, and what was
 * leaving before, is gone.
 */
export async function clearIdle(
  { fleet, arrivals, queue }: ClearOptions,
  records: readonly ShapeRecord[],
  cause: string,
): Promise<void> {
  for (const record of records) {
    arrivals.abortBoots(record, cause, Math.max(0, record.booting.size - queue.count(record.key)));
    for (const slot of [...record.idle]) void fleet.discard(slot, cause);
  }
  await Promise.all(records.flatMap((record) => [...record.stopping].map((slot) => slot.gone)));
}
