import { FsbError } from '../../model/failure/errors.ts';
import { isAlive } from '../../model/process-identity.ts';
import type { Resources } from '../../model/sandbox/shape.ts';
import { CPU_PERIOD, cpuQuota, type InstanceLimits } from './bundle/oci-config.ts';
import type { CgroupLayout } from './cgroup/layout.ts';
import { thaw } from './cgroup/tree.ts';
import { requireRuntime } from './node-facts.ts';
import type { OciContext } from './oci-context.ts';
import { type InstancePaths, instancePaths } from './oci-paths.ts';
import { runtimeFailure } from './runtime-errors.ts';
import { readRuntimeState } from './runtime-state.ts';

const CONTROL_TIMEOUT_MS = 10_000;

/**
 * Lets a paused instance go on. Not through the runtime: its start would be the longest part of a claim.
 * @throws not_found when it does not live
 */
export async function resume(
  { runtime, directories }: OciContext,
  cgroups: CgroupLayout,
  id: string,
): Promise<void> {
  const paths = instancePaths(directories, id);
  assertLives(runtime, paths, 'resume', id);
  await thaw(cgroups, paths.cgroup);
}

/**
 * Has the runtime do something to a living instance: `pause`, `update`.
 * @throws not_found when it does not live, run_failed with what the runtime said
 */
export async function control(
  context: OciContext,
  verb: string,
  id: string,
  options: string[] = [],
): Promise<void> {
  const { runtime, directories, launcher } = context;
  assertLives(runtime, instancePaths(directories, id), verb, id);
  const binary = await requireRuntime(runtime, context.binary);
  const args = ['--root', directories.runtimeRoot, '--log-format', 'json', verb, ...options, id];
  const result = await launcher.run(['run', binary, ...args], { timeoutMs: CONTROL_TIMEOUT_MS });
  if (result.code !== 0)
    throw runtimeFailure(`cannot ${verb} instance ${id}`, runtime, result, result.stderr);
}

function assertLives(
  runtime: OciContext['runtime'],
  { runtimeState }: InstancePaths,
  verb: string,
  id: string,
): void {
  const identity = readRuntimeState(runtime, runtimeState);
  if (identity === undefined || !isAlive(identity))
    throw new FsbError('not_found', `cannot ${verb} instance ${id}: it does not live`);
}

/** Options of `update` that set these limits. */
export function updateOptions({ cpus, memory, pids }: Resources, { swap }: InstanceLimits): string[] {
  return [
    ...['--cpu-period', String(CPU_PERIOD), '--cpu-quota', String(cpuQuota(cpus))],
    ...['--memory', String(memory), ...(swap ? ['--memory-swap', String(memory)] : [])],
    ...['--pids-limit', String(pids)],
  ];
}
