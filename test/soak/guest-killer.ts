import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { CoreApi } from '../../src/core/api/core-api.ts';
import type { PoolInstance } from '../../src/core/model/pool/pool.ts';
import type { Known } from '../helpers/core/storm/promises.ts';
import { type Ledger, NAMESPACE } from './ledger.ts';

const POOL = 'default-pool';
/** One guest of so many is any one, and not that of a sandbox that the ledger knows: nobody can say whom it concerns. */
const SELDOM = 8;

/** Kills PID 1 of some guest from outside, idle or in use, and tells the ledger whom that concerns. */
export async function killSomeGuest(
  api: CoreApi,
  ledger: Ledger,
  random: (below: number) => number,
): Promise<void> {
  const { instances } = await api.pools.get(POOL);
  const holderOf = ({ holder }: PoolInstance): Known | undefined =>
    [...ledger.sandboxes].find(({ name }) => holder === `sandbox ${NAMESPACE}/${name}`);
  const isAnyOne = random(SELDOM) === 0;
  const victims = instances.filter((one) => one.state !== 'stopping' && (isAnyOne || holderOf(one)));
  const some = victims[random(victims.length)];
  if (!some) return;
  const known = holderOf(some);
  if (known) known.uncertain = true;
  // An instance has one holder in its life: whoever does not have it now is not concerned.
  else await ledger.disturb(() => killAndWait(api, some));
  if (known) await killGuest(some);
  ledger.count('guests killed');
}

async function killAndWait(api: CoreApi, instance: PoolInstance): Promise<void> {
  await killGuest(instance);
  const isThere = async (): Promise<boolean> =>
    (await api.pools.get(POOL)).instances.some(({ id }) => id === instance.id);
  while (await isThere()) await delay(20);
}

async function killGuest({ pid, id }: PoolInstance): Promise<void> {
  const cgroup = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
  // It has ended, and its number may be somebody else's.
  if (!cgroup.includes(id)) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
