import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import type { InstanceLimits } from './bundle/oci-config.ts';
import type { CgroupLayout } from './cgroup/layout.ts';
import type { Launcher } from './launcher/launcher.ts';
import type { OciDirectories, OciRuntimeName } from './oci-paths.ts';
import type { Trash } from './trash.ts';

export interface OciDriverOptions {
  runtime: OciRuntimeName;
  /** Name or absolute path of the runtime; its own name when left out. */
  binary?: string;
  /** fsb-launch, as built for this machine. */
  launchBinary: string;
  /** fsb-init, as built for this machine. */
  initBinary: string;
  /** Survives a reboot; writable layers go below it. */
  stateDir: string;
  /** Gone after a reboot; short, because sockets lie below it. */
  runDir: string;
  log: Logger;
  clock: Clock;
  /** Milliseconds after which a boot is given up that its caller has not given up before; a day when left out. */
  bootTimeoutMs?: number;
}

/** What the parts of one driver share. */
export interface OciContext extends Required<OciDriverOptions> {
  directories: OciDirectories;
  launcher: Launcher;
  /**
   * Makes sure, once, that all programs are there; resolves to the absolute path of the runtime.
   * @throws run_failed with the way to get what is missing
   */
  programs(): Promise<string>;
  trash: Trash;
}

/** Read once, when the first instance is booted, listed or destroyed. */
export interface NodeFacts {
  cgroups: CgroupLayout;
  limits: InstanceLimits;
}
