import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { FsbError } from '../../model/failure/errors.ts';
import { type InstanceLimits, OPEN_FILES } from './bundle/oci-config.ts';
import { type CgroupLayout, controllerDirectory, parseCgroupLayout } from './cgroup/layout.ts';
import type { OciRuntimeName } from './oci-paths.ts';

const SEARCH_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** @throws run_failed when no cgroup file system is mounted */
export async function readCgroupLayout(): Promise<CgroupLayout> {
  const layout = parseCgroupLayout(await readFile('/proc/self/mountinfo', 'utf8'));
  if (layout !== undefined) return layout;
  throw new FsbError('run_failed', 'no cgroup file system is mounted on this node', {
    hint: 'Mount one: `mount -t cgroup2 none /sys/fs/cgroup`.',
  });
}

/** How far instances may go, as far as the core itself may. */
export async function readInstanceLimits(layout: CgroupLayout): Promise<InstanceLimits> {
  const [limits, score] = await Promise.all([
    readFile('/proc/self/limits', 'utf8'),
    readFile('/proc/self/oom_score_adj', 'utf8'),
  ]);
  return {
    swap: await countsSwap(layout),
    openFiles: openFilesLimit(limits),
    oomScoreAdj: Math.max(0, Number(score)),
  };
}

/** From /proc/self/limits: the hard limit, but not more than an instance should have. */
export function openFilesLimit(limits: string): number {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1];
  const number = Number(hard);
  return Number.isInteger(number) && number > 0 ? Math.min(OPEN_FILES, number) : OPEN_FILES;
}

async function countsSwap(layout: CgroupLayout): Promise<boolean> {
  // The root of a v2 tree does not tell; there the runtime itself leaves out what the kernel lacks.
  if (layout.mode === 'v2') return true;
  const directory = controllerDirectory(layout, 'memory', '/');
  return (
    directory !== undefined && (await isThere(join(directory, 'memory.memsw.limit_in_bytes'), constants.F_OK))
  );
}

/** Absolute path of a program; undefined when it is not installed. */
export async function findProgram(name: string): Promise<string | undefined> {
  const candidates = isAbsolute(name) ? [name] : SEARCH_PATH.map((directory) => join(directory, name));
  for (const candidate of candidates) if (await isThere(candidate, constants.X_OK)) return candidate;
  return undefined;
}

export const isExecutable = (path: string): Promise<boolean> => isThere(path, constants.X_OK);

/** @throws run_failed with the way to install it */
export async function requireRuntime(runtime: OciRuntimeName, binary: string): Promise<string> {
  const found = await findProgram(binary);
  if (found !== undefined) return found;
  throw new FsbError('run_failed', `the OCI runtime ${binary} is not installed`, {
    hint: installHint(runtime),
  });
}

/** @throws run_failed when the programs that are built from guest/ are not there */
export async function requireGuestPrograms(paths: string[]): Promise<void> {
  for (const path of paths)
    if (!(await isExecutable(path)))
      throw new FsbError('run_failed', `${path} is not there or not executable`, { hint: BUILD_HINT });
}

export const BUILD_HINT = 'Build it with `make -C guest` (needs gcc, and musl-tools for small binaries).';
export const installHint = (runtime: OciRuntimeName): string => `Install it: apt-get install ${runtime}.`;

async function isThere(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
