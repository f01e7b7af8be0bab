import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const V1 = '/sys/fs/cgroup/pids';
const V2 = '/sys/fs/cgroup';

/**
 * Puts a process and its children into a cgroup of their own, in which no process can be started. What is in other
 * cgroups does not count.
 * @returns lifts the limit; and removes the cgroup, which must be empty by then
 */
export async function limitProcesses(
  pid: number,
): Promise<{ lift: () => Promise<void>; remove: () => Promise<void> }> {
  const parent = (await readdir(V1).catch(() => undefined)) === undefined ? V2 : V1;
  const group = join(parent, `fsb-test-${pid}`);
  const set = (file: string, value: number | string): Promise<void> =>
    writeFile(join(group, file), String(value));
  await mkdir(group);
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  for (const one of [pid, ...children.split(' ').filter(Boolean)]) await set('cgroup.procs', one);
  // Fewer than there are is allowed.
  await set('pids.max', 1);
  return { lift: () => set('pids.max', 'max'), remove: () => rmdir(group) };
}
