import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** Who may have left something on the machine. */
export interface Wanted {
  /** The core and its children. */
  pid: number;
  /** Ids of instances. */
  instances: readonly string[];
  /** Ids of sandboxes: their logs. */
  sandboxes: readonly string[];
}

const NOBODY: Wanted = { pid: process.pid, instances: [], sandboxes: [] };

/**
 * What instances of the core on `root` have left on the machine: processes, mounts, loop devices, cgroups, directories, sockets.
 * Empty when all is clean.
 * @param wanted those whose things do not count
 */
export async function traces(root: string, wanted: Wanted = NOBODY): Promise<string[]> {
  const found = await Promise.all([
    mounts(root),
    loopsLeft(root, wanted),
    cgroups(root, wanted),
    directories(root, wanted),
  ]);
  return [...processes(root, wanted), ...found.flat()];
}

/** Every process in a cgroup of the core, and every one whose command line names the root. */
function processes(root: string, { pid: core, instances }: Wanted): string[] {
  const inCore = new RegExp(`/${cgroupName(root)}/([^/\\n]*)`);
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    if (Number(pid) === process.pid) continue;
    const command = fileOf(pid, 'cmdline');
    // A thread of the kernel, or a zombie.
    if (command === '') continue;
    const group = inCore.exec(fileOf(pid, 'cgroup'));
    if (group ? instances.includes(group[1]!) : !command.includes(`${root}/`)) continue;
    // A zombie has nothing left but its number, which the machine's init gives back when it comes to it. Looked at last:
    // one that ended while its other files were read is known by that, or by being gone.
    const [, state, parent] = /.*\) ([A-Z]) (\d+) /s.exec(fileOf(pid, 'stat')) ?? [];
    if (state === undefined || 'ZX'.includes(state)) continue;
    if (!group && [pid, parent].map(Number).includes(core)) continue;
    found.push(`process ${pid}: ${command.replaceAll('\0', ' ')}`);
  }
  return found;
}

/** Of a process that may have ended. Not one at a time over other threads: there are hundreds. */
function fileOf(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

async function mounts(root: string): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return lines.filter((line) => line.includes(`${root}/`)).map((line) => `mount ${line}`);
}

/** Milliseconds that the kernel may take to free one whose last mount is gone. */
const PATIENCE = 30_000;

async function loopsLeft(root: string, { instances }: Wanted): Promise<string[]> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const left = (await loops(root)).filter((line) => !instances.some((id) => line.includes(`/${id}/`)));
    if (left.length === 0 || performance.now() > end) return left;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The files below the root that are loop devices. */
export async function loops(root: string): Promise<string[]> {
  const names = (await readdir('/sys/block')).filter((name) => name.startsWith('loop'));
  const files = await Promise.all(
    names.map(async (name) => {
      const file = await readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => '');
      return `loop device ${name}: ${file.trim()}`;
    }),
  );
  return files.filter((line) => line.includes(`${root}/`));
}

async function cgroups(root: string, { instances }: Wanted): Promise<string[]> {
  const name = cgroupName(root);
  const hierarchies = await readdir('/sys/fs/cgroup').catch(() => []);
  const found: string[] = [];
  for (const place of ['', ...hierarchies])
    for (const entry of await readdir(join('/sys/fs/cgroup', place, name)).catch(() => []))
      if (/^i[0-9a-f]{16}$/.test(entry) && !instances.includes(entry))
        found.push(`cgroup ${place}/${name}/${entry}`);
  return found;
}

/** As src/core/runtime/oci/oci-paths.ts names it. */
export function cgroupName(root: string): string {
  const digest = createHash('sha256').update(join(root, 'run')).digest('hex').slice(0, 12);
  return `fsb-runc-${digest}`;
}

async function directories(root: string, { instances, sandboxes }: Wanted): Promise<string[]> {
  const found: string[] = [];
  for (const place of ['run/i', 'run/runc', 'state/instances', 'state/instances/runc', 'state/logs'])
    for (const entry of await readdir(join(root, place)).catch(() => []))
      if (entry !== 'runc' && !(basename(place) === 'logs' ? sandboxes : instances).includes(entry))
        found.push(`directory ${place}/${entry}`);
  return found;
}
