import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CoreProcess } from './core-process.ts';
import { leftRecords } from './left-records.ts';
import { traces } from './traces.ts';

/**
 * Stops a core from which everything was deleted. What it leaves: processes, mounts, cgroups, directories, sockets,
 * logs, records, what is half pulled; its own exit code where it is not 0. Empty when all is clean.
 */
export async function leftovers(core: CoreProcess, root: string): Promise<string[]> {
  const code = await core.stop();
  const places = ['state/logs', 'state/images/staging', 'state/images/partial'];
  const files = await Promise.all(
    places.map(async (place) =>
      (await readdir(join(root, place)).catch(() => [])).map((name) => `file ${place}/${name}`),
    ),
  );
  const sockets = (await readdir(join(root, 'run'))).filter((name) => name.endsWith('.sock'));
  return [
    ...(code === 0 ? [] : [`the core ended with ${code}`]),
    ...(await traces(root)),
    ...(await leftRecords(root)).map((record) => `record ${record}`),
    ...files.flat(),
    ...sockets.map((name) => `socket run/${name}`),
  ];
}
