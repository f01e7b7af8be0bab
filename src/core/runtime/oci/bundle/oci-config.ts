import { GUEST_INIT } from '../../../model/guest-tool.ts';
import type { Shape } from '../../../model/sandbox/shape.ts';
import { defaultMounts, maskedPaths, type OciMount, readonlyPaths, shapeMounts } from './oci-mounts.ts';
import { type SeccompProfile, seccompProfile } from './seccomp-profile.ts';

/** The first descriptor behind stdio; fsb-launch puts the listening channel socket there. */
export const CHANNEL_DESCRIPTOR = 3;

const CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
];

/** Microseconds; the period that cgroups have by default. */
export const CPU_PERIOD = 100_000;
// The kernel refuses a smaller quota.
const LEAST_CPU_QUOTA = 1000;
/** What an instance gets unless the core itself may have fewer. */
export const OPEN_FILES = 65_536;

/** What the node and the core's own limits allow. */
export interface InstanceLimits {
  /** False where the kernel counts no swap: it then refuses a limit on it. */
  swap: boolean;
  openFiles: number;
  /** Of PID 1; never below 0. */
  oomScoreAdj: number;
}

export interface OciConfigInput {
  shape: Shape;
  hostname: string;
  /** Directory on the node where fsb-launch mounts the root. */
  rootDirectory: string;
  /** fsb-init on the node. */
  initBinary: string;
  /** Absolute paths in the guest that fsb-init makes when they are missing. */
  directories: readonly string[];
  /** Absolute within each cgroup hierarchy. */
  cgroupPath: string;
  limits: InstanceLimits;
}

/** What we use of the OCI runtime spec 1.0.2. */
export interface OciConfig {
  ociVersion: '1.0.2';
  process: {
    terminal: false;
    user: { uid: 0; gid: 0 };
    args: string[];
    env: string[];
    cwd: '/';
    capabilities: Record<'bounding' | 'effective' | 'permitted', string[]>;
    rlimits: { type: string; soft: number; hard: number }[];
    noNewPrivileges: true;
    oomScoreAdj: number;
  };
  root: { path: string; readonly: false };
  hostname: string;
  mounts: OciMount[];
  linux: {
    namespaces: { type: string }[];
    cgroupsPath: string;
    resources: OciResources;
    seccomp: SeccompProfile;
    maskedPaths: string[];
    readonlyPaths: string[];
  };
}

interface OciResources {
  devices: { allow: boolean; access: string }[];
  memory: { limit: number; swap?: number };
  cpu: { quota: number; period: number };
  pids: { limit: number };
}

/** Microseconds of processor time in each CPU_PERIOD for so many cores. */
export const cpuQuota = (cpus: number): number => Math.max(LEAST_CPU_QUOTA, Math.round(cpus * CPU_PERIOD));

/**
 * The whole config.json of one instance.
 * @throws invalid_argument for mounts of the shape that would cover what an instance needs
 */
export function ociConfig(input: OciConfigInput): OciConfig {
  const { shape, limits } = input;
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: [
        ...[GUEST_INIT, '--listen-fd', String(CHANNEL_DESCRIPTOR)],
        ...input.directories.flatMap((path) => ['--directory', path]),
      ],
      env: [],
      cwd: '/',
      // Neither inheritable nor ambient: a process that is not root must not get them by executing a file.
      capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
      rlimits: [
        { type: 'RLIMIT_NOFILE', soft: limits.openFiles, hard: limits.openFiles },
        // A core dump would go to the node's handler, outside of every limit.
        { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
      ],
      noNewPrivileges: true,
      // Not below 0: whatever PID 1 has, every process of the guest may give itself (the kernel keeps the lowest
      // score that was ever set by the privileged, and children inherit it), and then the kernel would rather kill
      // processes of the node. PID 1 is the smallest process of its instance and so the last one to be chosen.
      oomScoreAdj: Math.max(0, limits.oomScoreAdj),
    },
    root: { path: input.rootDirectory, readonly: false },
    hostname: input.hostname,
    mounts: [...defaultMounts, ...shapeMounts(shape.mounts), initMount(input.initBinary)],
    linux: {
      namespaces: namespaces(shape),
      cgroupsPath: input.cgroupPath,
      resources: resources(input),
      seccomp: seccompProfile(),
      maskedPaths,
      readonlyPaths,
    },
  };
}

function namespaces(shape: Shape): { type: string }[] {
  const own = ['pid', 'mount', 'ipc', 'uts', 'cgroup'];
  return [...own, ...(shape.network === 'host' ? [] : ['network'])].map((type) => ({ type }));
}

function resources({ shape, limits }: OciConfigInput): OciResources {
  const { memory, cpus, pids } = shape.resources;
  return {
    devices: [{ allow: false, access: 'rwm' }],
    // Memory and swap together: the same number means no swap.
    memory: { limit: memory, ...(limits.swap ? { swap: memory } : {}) },
    cpu: { quota: cpuQuota(cpus), period: CPU_PERIOD },
    pids: { limit: pids },
  };
}

/** The last mount, so that no other one covers it. */
function initMount(source: string): OciMount {
  return {
    destination: GUEST_INIT,
    type: 'bind',
    source,
    options: ['bind', 'ro', 'nosuid', 'nodev', 'private'],
  };
}
