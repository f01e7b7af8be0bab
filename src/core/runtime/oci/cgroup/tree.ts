import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ProcessIdentity, readProcessStat } from '../../../model/process-identity.ts';
import { type CgroupLayout, controllerDirectory, groupDirectories } from './layout.ts';

const GONE = ['ENOENT', 'ENODEV', 'ENOTDIR'];
const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

/** Every process of this cgroup, whichever hierarchies it has joined so far. */
export async function cgroupProcesses(layout: CgroupLayout, cgroup: string): Promise<ProcessIdentity[]> {
  const pids = new Set<number>();
  for (const directory of groupDirectories(layout, cgroup))
    for (const group of await withDescendants(directory))
      for (const line of (await readIfThere(join(group, 'cgroup.procs'))).split('\n'))
        if (Number(line) > 0) pids.add(Number(line));
  const found: ProcessIdentity[] = [];
  for (const pid of pids) {
    const stat = readProcessStat(pid);
    if (stat !== undefined && stat.state !== 'Z') found.push({ pid, startTime: stat.startTime });
  }
  return found;
}

/** Lets processes of a paused cgroup go on: with cgroups v1 even SIGKILL waits for that. Fine when it is not there. */
export async function thaw(layout: CgroupLayout, cgroup: string): Promise<void> {
  const directory = controllerDirectory(layout, 'freezer', cgroup);
  if (directory === undefined) return;
  const v2 = layout.mode === 'v2';
  const [file, running] = v2 ? ['cgroup.freeze', '0'] : ['freezer.state', 'THAWED'];
  try {
    await writeFile(join(directory, file), running, { flag: 'r+' });
  } catch (error) {
    if (!GONE.includes(codeOf(error))) throw error;
  }
}

/** Removes the parent of all instances where nothing is left in it. */
export async function removeEmptyParent(layout: CgroupLayout, parent: string): Promise<void> {
  for (const directory of groupDirectories(layout, parent))
    try {
      await rmdir(directory);
    } catch (error) {
      if (![...GONE, 'EBUSY', 'ENOTEMPTY'].includes(codeOf(error))) throw error;
    }
}

/** Names of the cgroups right below this one, in any hierarchy. */
export async function childGroups(layout: CgroupLayout, parent: string): Promise<string[]> {
  const names = new Set<string>();
  for (const directory of groupDirectories(layout, parent))
    for (const name of await subdirectories(directory)) names.add(name);
  return [...names];
}

/** Itself first, deeper ones later. */
async function withDescendants(directory: string): Promise<string[]> {
  const found = [directory];
  for (const name of await subdirectories(directory))
    found.push(...(await withDescendants(join(directory, name))));
  return found;
}

async function subdirectories(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (GONE.includes(codeOf(error))) return [];
    throw error;
  }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (GONE.includes(codeOf(error))) return '';
    throw error;
  }
}
