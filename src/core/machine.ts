import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import type { MachineInfo } from './api/core-api.ts';
import { machinePlatform } from './model/image/platform.ts';

/** What this machine is; the same for as long as it runs. */
export const machineInfo = (): MachineInfo => ({
  cpus: cpus().length,
  memory: totalmem(),
  kernel: release(),
  system: systemName(),
  architecture: machinePlatform().architecture,
});

/** As many as a 64-bit kernel can ever have: it takes no higher limit of a cgroup. */
const MOST_PIDS = 4_194_304;

/** Process ids that the kernel gives out, threads included. */
export function mostPids(): number {
  try {
    return Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8')) || MOST_PIDS;
  } catch {
    return MOST_PIDS;
  }
}

/** `Debian GNU/Linux 12 (bookworm)`, as its distribution calls it; empty where it does not say. */
function systemName(): string {
  try {
    return /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}
