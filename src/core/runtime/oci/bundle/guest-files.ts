import { readFile } from 'node:fs/promises';
import type { NetworkMode } from '../../../model/sandbox/shape.ts';

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
