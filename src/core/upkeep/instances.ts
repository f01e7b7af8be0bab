import type { Ledger } from '../agent/ledger/ledger.ts';
import type { InstanceRecord } from '../agent/ledger/records.ts';
import type { InstanceUsage } from '../model/system.ts';
import type { RuntimeDriver } from '../runtime/driver.ts';

export interface InstancesGround {
  driver: Pick<RuntimeDriver, 'list' | 'stats'>;
  ledger: Pick<Ledger, 'get' | 'ids'>;
}

/**
 * Every instance of which there is anything, by id.
 * @param written bytes that its files take, by id
 */
export async function instanceUsage(
  { driver, ledger }: InstancesGround,
  written: ReadonlyMap<string, number>,
): Promise<InstanceUsage[]> {
  const alive = new Set((await driver.list()).filter((found) => found.alive).map(({ id }) => id));
  const ids = [...new Set([...alive, ...written.keys(), ...ledger.ids()])].sort();
  return Promise.all(
    ids.map(async (id) => ({
      id,
      ...whose(ledger.get(id)),
      files: written.get(id) ?? 0,
      memory: alive.has(id) ? await memoryOf(id, driver) : 0,
    })),
  );
}

function whose(record: InstanceRecord | undefined): Pick<InstanceUsage, 'pool' | 'holder' | 'sandboxId'> {
  if (record === undefined) return { pool: '', holder: 'nobody' };
  const { pool, use } = record;
  if (use === undefined) return { pool, holder: 'idle' };
  return { pool, holder: use.by, ...('sandboxId' in use && { sandboxId: use.sandboxId }) };
}

/** It may end while it is looked at. */
const memoryOf = (id: string, driver: InstancesGround['driver']): Promise<number> =>
  driver.stats(id).then(
    ({ memory }) => memory,
    () => 0,
  );
