import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What instances of the core on `root` have left on the machine: processes, mounts, cgroups, directories, sockets.
 * Empty when all is clean.
 */
export async function traces(root: string): Promise<string[]> {
  const found = await Promise.all([processes(root), mounts(root), cgroups(root), directories(root)]);
  return found.flat();
}

/** Every process in a cgroup of the core, and every one whose command line names the root. */
async function processes(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    if (Number(pid) === process.pid) continue;
    const [command = '', cgroup = ''] = await Promise.all(
      ['cmdline', 'cgroup'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
    );
    // A zombie has nothing left but its number, which the machine's init gives back when it comes to it. Looked at last:
    // one that ended while its other files were read is known by that, or by being gone.
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (stat === '' || / [ZX] /.test(stat)) continue;
    if (command.includes(`${root}/`) || cgroup.includes(`/${cgroupName(root)}/`))
      found.push(`process ${pid}: ${command.replaceAll('\0', ' ')}`);
  }
  return found;
}

async function mounts(root: string): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return lines.filter((line) => line.includes(`${root}/`)).map((line) => `mount ${line}`);
}

async function cgroups(root: string): Promise<string[]> {
  const name = cgroupName(root);
  const hierarchies = await readdir('/sys/fs/cgroup').catch(() => []);
  const found: string[] = [];
  for (const place of ['', ...hierarchies])
    for (const entry of await readdir(join('/sys/fs/cgroup', place, name)).catch(() => []))
      if (/^i[0-9a-f]{16}$/.test(entry)) found.push(`cgroup ${place}/${name}/${entry}`);
  return found;
}

/** As src/core/runtime/oci/oci-paths.ts names it. */
export function cgroupName(root: string): string {
  const digest = createHash('sha256').update(join(root, 'run')).digest('hex').slice(0, 12);
  return `fsb-runc-${digest}`;
}

async function directories(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const place of ['run/i', 'run/runc', 'state/instances', 'state/instances/runc', 'state/logs'])
    for (const entry of await readdir(join(root, place)).catch(() => []))
      if (entry !== 'runc') found.push(`directory ${place}/${entry}`);
  return found;
}
