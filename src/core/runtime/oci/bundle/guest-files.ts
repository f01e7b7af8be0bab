import { chmod, chown, lstat, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NetworkMode } from '../../../model/shape.ts';

/** What /etc/hosts, /etc/hostname and /etc/resolv.conf say inside. */
export interface GuestFiles {
  hosts: string;
  hostname: string;
  'resolv.conf': string;
}

/** The node's own files, for an instance that shares its network. */
export interface NodeFiles {
  hosts: string;
  resolvConf: string;
}

const LOCAL_HOSTS = '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n';

export function guestFiles(hostname: string, network: NetworkMode, node: NodeFiles): GuestFiles {
  const shared = network === 'host';
  const hosts = shared && node.hosts.trim() !== '' ? `${node.hosts.trimEnd()}\n` : LOCAL_HOSTS;
  return {
    hosts: `${hosts}127.0.1.1\t${hostname}\n`,
    hostname: `${hostname}\n`,
    'resolv.conf': shared ? node.resolvConf : '',
  };
}

export async function readNodeFiles(network: NetworkMode): Promise<NodeFiles> {
  if (network !== 'host') return { hosts: '', resolvConf: '' };
  const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
  const [hosts, resolvConf] = await Promise.all([read('/etc/hosts'), read('/etc/resolv.conf')]);
  return { hosts, resolvConf };
}

/**
 * Makes the upper directory of an overlay. The root of an overlay shows the mode and owner of its upper directory, so
 * they are taken from the topmost lower one.
 */
export async function makeUpper(upper: string, lower: string): Promise<void> {
  const { mode, uid, gid } = await lstat(lower);
  await mkdir(upper, { recursive: true });
  await chown(upper, uid, gid);
  await chmod(upper, mode & 0o7777);
}

/**
 * Writes the files into the empty upper directory of `/`. It was just made and no process of a guest has seen it, so
 * there is no symbolic link in it that could lead elsewhere; files of the image stay below, untouched.
 */
export async function writeGuestFiles(upper: string, lower: string[], files: GuestFiles): Promise<void> {
  const etc = join(upper, 'etc');
  await makeUpper(
    etc,
    await firstDirectory(
      lower.map((layer) => join(layer, 'etc')),
      upper,
    ),
  );
  await Promise.all(
    Object.entries(files).map(async ([name, text]) => {
      const path = join(etc, name);
      await writeFile(path, text, { flag: 'wx' });
      await chmod(path, 0o644);
    }),
  );
}

async function firstDirectory(candidates: string[], otherwise: string): Promise<string> {
  for (const candidate of candidates) {
    const stat = await lstat(candidate).catch(() => undefined);
    if (stat?.isDirectory()) return candidate;
  }
  return otherwise;
}
