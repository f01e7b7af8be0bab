import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** PID 1 of every instance on a root, as this machine numbers it, by instance id. */
export async function firstProcesses(root: string): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const id of await readdir(join(root, 'run/runc')).catch(() => [])) {
    const state = await readFile(join(root, 'run/runc', id, 'state.json'), 'utf8').catch(() => '{}');
    const { init_process_pid: pid } = JSON.parse(state) as { init_process_pid?: number };
    if (pid) found.set(id, pid);
  }
  return found;
}
