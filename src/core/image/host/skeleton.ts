import { chmod, lchown, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EtcEntry, HostSurvey } from './host-survey.ts';

/** Directories that every Linux program may expect; empty. */
const DIRECTORIES: readonly [path: string, mode: number][] = [
  ...(['boot', 'dev', 'etc', 'home', 'media', 'mnt', 'opt', 'proc', 'run', 'srv', 'sys', 'var'] as const).map(
    (path): [string, number] => [path, 0o755],
  ),
  ['root', 0o700],
  ['tmp', 0o1777],
  ['run/lock', 0o1777],
  ['var/tmp', 0o1777],
  ...(['backups', 'cache', 'lib', 'lib/misc', 'local', 'log', 'mail', 'opt', 'spool'] as const).map(
    (path): [string, number] => [`var/${path}`, 0o755],
  ),
];

const SYMLINKS: readonly [path: string, target: string][] = [
  ['var/run', '/run'],
  ['var/lock', '/run/lock'],
  ['etc/mtab', '../proc/self/mounts'],
];

const HOSTS = '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n';

/** Builds the lowest layer of a `host` sandbox in an empty directory: a root with the machine's programs left out. */
export async function buildSkeleton(root: string, survey: HostSurvey): Promise<void> {
  const ownership = process.getuid?.() === 0;
  await chmod(root, 0o755);
  for (const [path, mode] of DIRECTORIES) await makeDirectory(join(root, path), mode);
  for (const [path, target] of SYMLINKS) await symlink(target, join(root, path));
  for (const entry of survey.roots) {
    if (entry.kind === 'symlink') await symlink(entry.target, join(root, entry.name));
    else await makeDirectory(join(root, entry.name), 0o755);
  }
  // Nothing of the machine's own: that file names its neighbours.
  await writeFile(join(root, 'etc/hosts'), HOSTS, { mode: 0o644 });
  await chmod(join(root, 'etc/hosts'), 0o644);
  for (const entry of survey.etc) await copyEntry(join(root, 'etc', entry.path), entry, ownership);
}

async function copyEntry(path: string, entry: EtcEntry, ownership: boolean): Promise<void> {
  if (entry.kind === 'symlink') return symlink(entry.target, path);
  if (entry.kind === 'directory') await makeDirectory(path, entry.mode);
  else await writeFile(path, entry.content, { flag: 'wx' });
  if (ownership) await lchown(path, entry.uid, entry.gid);
  await chmod(path, entry.mode);
}

/** mkdir alone would be subject to the umask. */
async function makeDirectory(path: string, mode: number): Promise<void> {
  await mkdir(path);
  await chmod(path, mode);
}
