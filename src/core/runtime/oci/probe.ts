import { readFile } from 'node:fs/promises';
import { FsbError } from '../../model/failure/errors.ts';
import type { RuntimeProbe } from '../driver.ts';
import type { CgroupMode } from './cgroup/layout.ts';
import { BUILD_HINT, findProgram, installHint, isExecutable, readCgroupLayout } from './node-facts.ts';
import type { OciContext } from './oci-context.ts';
import type { OciRuntimeName } from './oci-paths.ts';
import { runProgram } from './run-program.ts';

const VERSION_TIMEOUT_MS = 10_000;

/** What was found on the node; the decision over it is `judge`. */
export interface OciFindings {
  runtime: OciRuntimeName;
  binary: string;
  uid: number;
  /** Output of `--version`, or undefined when the runtime is not installed. */
  versionText: string | undefined;
  /** Undefined: no cgroup file system. */
  cgroupMode: CgroupMode | undefined;
  overlay: boolean;
  /** Of fsb-init and fsb-launch, those that are not there. */
  missing: string[];
}

/** The first problem that stands in the way, in the order in which one would solve them. */
export function judge(found: OciFindings): RuntimeProbe {
  const version = /version:?\s+(\S+)/.exec(found.versionText ?? '')?.[1] ?? '';
  const [problem, hint] = firstProblem(found, version) ?? ['', ''];
  const cgroups = found.cgroupMode ?? '';
  return { name: found.runtime, available: problem === '', version, cgroups, problem, hint };
}

function firstProblem(found: OciFindings, version: string): [problem: string, hint: string] | undefined {
  const { runtime, binary } = found;
  if (found.uid !== 0)
    return [
      'it needs root, and this core does not run as root',
      'Start the core as root, for example with sudo.',
    ];
  if (found.versionText === undefined) return [`${binary} is not installed`, installHint(runtime)];
  if (version === '') return [`${binary} does not tell its version`, `Try \`${binary} --version\`.`];
  if (found.cgroupMode === undefined)
    return ['no cgroup file system is mounted', 'Mount one: `mount -t cgroup2 none /sys/fs/cgroup`.'];
  if (runtime === 'crun' && found.cgroupMode === 'hybrid')
    return [
      'crun does not work where cgroups v1 and v2 are mixed',
      'Use runc, or boot the node with cgroup v2 only.',
    ];
  if (!found.overlay) return ['this kernel has no overlayfs', 'Load it: `modprobe overlay`.'];
  const [missing] = found.missing;
  if (missing !== undefined) return [`${missing} is not there or not executable`, BUILD_HINT];
  return undefined;
}

export async function probe(context: OciContext): Promise<RuntimeProbe> {
  const { runtime, binary, initBinary, launchBinary } = context;
  const [path, filesystems, cgroupMode] = await Promise.all([
    findProgram(binary),
    readFile('/proc/filesystems', 'utf8'),
    readCgroupLayout().then(
      (layout) => layout.mode,
      () => undefined,
    ),
  ]);
  const missing: string[] = [];
  for (const program of [initBinary, launchBinary]) if (!(await isExecutable(program))) missing.push(program);
  return judge({
    runtime,
    binary,
    uid: process.getuid?.() ?? -1,
    versionText: path === undefined ? undefined : await readVersion(path, context),
    cgroupMode,
    overlay: /\boverlay$/m.test(filesystems),
    missing,
  });
}

/** Empty when it does not run. */
async function readVersion(path: string, { clock }: OciContext): Promise<string> {
  try {
    return (await runProgram(path, ['--version'], { clock, timeoutMs: VERSION_TIMEOUT_MS })).stdout;
  } catch (error) {
    if (error instanceof FsbError) return '';
    throw error;
  }
}
