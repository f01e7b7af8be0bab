import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { filesSetAside } from '../../../src/core/upkeep/set-aside.ts';
import type { CoreProcess } from './core-process.ts';
import { imageFiles } from './image-files.ts';
import { leftRecords } from './left-records.ts';
import { traces } from './traces.ts';

/**
 * Stops a core from which everything was deleted. What it leaves: processes, mounts, cgroups, directories, sockets,
 * logs, records, what is half pulled or set aside, image files that no image has; its own exit code where it is not 0.
 * Empty when all is clean.
 */
export async function leftovers(core: CoreProcess, root: string): Promise<string[]> {
  await emptied(join(root, 'state/trash'));
  const code = await core.stop();
  const logs = (await readdir(join(root, 'state/logs')).catch(() => [])).map((name) => `file logs/${name}`);
  const sockets = (await readdir(join(root, 'run'))).filter((name) => name.endsWith('.sock'));
  return [
    ...(code === 0 ? [] : [`the core ended with ${code}`]),
    ...(await traces(root)),
    ...(await leftRecords(root)).map((record) => `record ${record}`),
    ...(await filesInBetween(root)),
    ...logs,
    ...sockets.map((name) => `socket run/${name}`),
  ];
}

/** Files of what is half done: in the trash, half pulled, set aside, of images that nobody has. */
export async function filesInBetween(root: string): Promise<string[]> {
  const places = ['state/trash', 'state/images/staging', 'state/images/partial'];
  const files = await Promise.all(
    places.map(async (place) =>
      (await readdir(join(root, place)).catch(() => [])).map((name) => `file ${place}/${name}`),
    ),
  );
  return [
    ...files.flat(),
    ...(await filesSetAside(join(root, 'state'))).map(({ path }) => `set aside ${path}`),
    ...(await imageFiles(root)).unnamed.map((name) => `image file ${name}`),
  ];
}

/** Milliseconds. */
const PATIENCE = 30_000;

/** What is removed in the background needs its time; a core that ends would leave it to the next one. */
async function emptied(directory: string): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (performance.now() < end && (await readdir(directory).catch(() => [])).length > 0)
    await new Promise((resolve) => setTimeout(resolve, 20));
}
