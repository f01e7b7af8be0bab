import type { Figures } from '../figures/stats.ts';
import { manyCreates } from './creates.ts';
import { manyExecs } from './execs.ts';
import { idleFollowers } from './followers.ts';
import { withPlaces } from './place.ts';
import { slowReaders } from './slow-readers.ts';

/** Many clients at once, over TLS and over the unix socket of one core: what they get, and what it costs the core. */
export async function loadGroup(scale: number): Promise<Figures[]> {
  const rows: Figures[] = [];
  await withPlaces(async (place) => {
    for (const load of [idleFollowers, manyExecs, manyCreates, slowReaders])
      rows.push(...(await load(place, scale)));
  });
  return rows;
}
