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

/** `Debian GNU/Linux 12 (bookworm)`, as its distribution calls it; empty where it does not say. */
function systemName(): string {
  try {
    return /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}
