import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FsbError } from '../../../model/failure/errors.ts';
import type { InstanceStats } from '../../driver.ts';
import { type CgroupLayout, controllerDirectory } from './layout.ts';

/**
 * What the instance in this cgroup uses now. Memory is without file pages that the kernel can drop at any time, as
 * docker counts it; a controller that the node lacks counts 0.
 * @throws not_found when the cgroup is not there
 */
export async function readCgroupStats(layout: CgroupLayout, cgroup: string): Promise<InstanceStats> {
  const read = (controller: string, file: string): Promise<string | undefined> =>
    readControllerFile(layout, controller, cgroup, file);
  return layout.mode === 'v2' ? readUnified(read, cgroup) : readLegacy(read, cgroup);
}

type ReadFile = (controller: string, file: string) => Promise<string | undefined>;

async function readUnified(read: ReadFile, cgroup: string): Promise<InstanceStats> {
  const [current, stat, events, cpu, pids] = await Promise.all([
    read('memory', 'memory.current'),
    read('memory', 'memory.stat'),
    read('memory', 'memory.events'),
    read('cpu', 'cpu.stat'),
    read('pids', 'pids.current'),
  ]);
  if (cpu === undefined) throw gone(cgroup);
  return {
    memory: Math.max(0, Number(current ?? 0) - numberBehind(stat, 'inactive_file')),
    cpuMicros: numberBehind(cpu, 'usage_usec'),
    pids: Number(pids ?? 0),
    oomKills: numberBehind(events, 'oom_kill'),
  };
}

async function readLegacy(read: ReadFile, cgroup: string): Promise<InstanceStats> {
  const [usage, stat, oom, cpu, pids] = await Promise.all([
    read('memory', 'memory.usage_in_bytes'),
    read('memory', 'memory.stat'),
    read('memory', 'memory.oom_control'),
    read('cpuacct', 'cpuacct.usage'),
    read('pids', 'pids.current'),
  ]);
  if (usage === undefined && cpu === undefined && pids === undefined) throw gone(cgroup);
  return {
    memory: Math.max(0, Number(usage ?? 0) - numberBehind(stat, 'total_inactive_file')),
    cpuMicros: Math.floor(Number(cpu ?? 0) / 1000),
    pids: Number(pids ?? 0),
    oomKills: numberBehind(oom, 'oom_kill'),
  };
}

/** The number behind a word at the start of a line; 0 when it is not there. */
function numberBehind(text: string | undefined, key: string): number {
  const line = text?.split('\n').find((candidate) => candidate.startsWith(`${key} `));
  return line === undefined ? 0 : Number(line.slice(key.length + 1));
}

async function readControllerFile(
  layout: CgroupLayout,
  controller: string,
  cgroup: string,
  file: string,
): Promise<string | undefined> {
  const directory = controllerDirectory(layout, controller, cgroup);
  if (directory === undefined) return undefined;
  try {
    return await readFile(join(directory, file), 'utf8');
  } catch (error) {
    // ENODEV: the cgroup was removed between open and read.
    if (['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

const gone = (cgroup: string): FsbError =>
  new FsbError('not_found', `there is no cgroup ${cgroup} on this node`);
