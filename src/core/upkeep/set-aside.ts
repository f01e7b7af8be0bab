import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DAMAGED_MARK } from '../image/content/records-file.ts';
import { ASIDE_ENDING } from '../logs/segment-names.ts';
import { failpoint } from '../model/failure/failpoint.ts';
import type { SetAside } from '../model/system.ts';
import { ASIDE_MARK, damageOf } from '../store/record-store.ts';
import type { RecordStore } from '../store/store.ts';
import { fileSizes, namesIn } from './file-sizes.ts';
import { removeUnclaimed, type UnclaimedGround, unclaimed } from './unclaimed.ts';

/** Whole files that were set aside below a state directory; records within the store are not among them. */
export async function filesSetAside(state: string): Promise<SetAside[]> {
  const records = await marked(state, `records${ASIDE_MARK}`);
  const images = await marked(join(state, 'images'), `images.json${DAMAGED_MARK}`);
  const logs = await logsAside(join(state, 'logs'));
  return Promise.all(
    [...records, ...images, ...logs].map(async (path) => ({ path, size: await fileSizes(path) })),
  );
}

/** Whether all records of some time are set aside. */
export const isStoreAside = (state: string): boolean =>
  existsSync(state) && readdirSync(state).some((name) => name.startsWith(`records${ASIDE_MARK}`));

/** Files of logs that cannot be read. */
async function logsAside(directory: string): Promise<string[]> {
  const ids = (await namesIn(directory)).sort();
  const found = await Promise.all(
    ids.map(async (id) =>
      (await namesIn(join(directory, id)))
        .filter((name) => name.endsWith(ASIDE_ENDING))
        .sort()
        .map((name) => join(directory, id, name)),
    ),
  );
  return found.flat();
}

/** What is wrong with the records of a core that does not run; undefined: nothing. */
export const recordsDamage = (state: string): string | undefined => damageOf(join(state, 'records'));

/** Everything that was set aside, and what only that may want. */
export async function allSetAside(
  state: string,
  records: Pick<RecordStore, 'health'>,
  ground: UnclaimedGround,
): Promise<SetAside[]> {
  const sizes = new Map<string, number>();
  for (const { table, size } of records.health().setAside) sizes.set(table, (sizes.get(table) ?? 0) + size);
  const within = [...sizes].map(([table, size]) => ({ path: join(state, 'records', table), size }));
  return [...(await filesSetAside(state)), ...within, ...(await unclaimed(ground))];
}

/** Removes all of it. @returns what was there */
export async function removeSetAside(
  state: string,
  records: Pick<RecordStore, 'health' | 'dropSetAside'>,
  ground: UnclaimedGround,
): Promise<SetAside[]> {
  const found = await allSetAside(state, records, ground);
  // First: without the records nobody would know that it is kept for them.
  await removeUnclaimed(ground);
  failpoint('set-aside.unclaimed');
  await records.dropSetAside();
  failpoint('set-aside.dropped');
  for (const { path } of await filesSetAside(state)) await rm(path, { recursive: true, force: true });
  failpoint('set-aside.removed');
  return found;
}

async function marked(directory: string, beginning: string): Promise<string[]> {
  const names = await namesIn(directory);
  return names
    .filter((name) => name.startsWith(beginning))
    .sort()
    .map((name) => join(directory, name));
}
