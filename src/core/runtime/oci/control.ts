import { FsbError } from '../../model/errors.ts';
import type { Resources } from '../../model/shape.ts';
import { CPU_PERIOD, cpuQuota, type InstanceLimits } from './bundle/oci-config.ts';
import { requireRuntime } from './node-facts.ts';
import type { OciContext } from './oci-context.ts';
import { instancePaths } from './oci-paths.ts';
import { isAlive } from './process-identity.ts';
import { runtimeFailure } from './runtime-errors.ts';
import { readRuntimeState } from './runtime-state.ts';

const CONTROL_TIMEOUT_MS = 10_000;

/**
 * Has the runtime do something to a living instance: `pause`, `resume`, `update`.
 * @throws not_found when it does not live, run_failed with what the runtime said
 */
export async function control(
  context: OciContext,
  verb: string,
  id: string,
  options: string[] = [],
): Promise<void> {
  const { runtime, directories, launcher } = context;
  const identity = readRuntimeState(runtime, instancePaths(directories, id).runtimeState);
  if (identity === undefined || !isAlive(identity))
    throw new FsbError('not_found', `cannot ${verb} instance ${id}: it does not live`);
  const binary = await requireRuntime(runtime, context.binary);
  const args = ['--root', directories.runtimeRoot, '--log-format', 'json', verb, ...options, id];
  const result = await launcher.run(['run', binary, ...args], { timeoutMs: CONTROL_TIMEOUT_MS });
  if (result.code !== 0)
    throw runtimeFailure(`cannot ${verb} instance ${id}`, runtime, result, result.stderr);
}

/** Options of `update` that set these limits. */
export function updateOptions({ cpus, memory, pids }: Resources, { swap }: InstanceLimits): string[] {
  return [
    ...['--cpu-period', String(CPU_PERIOD), '--cpu-quota', String(cpuQuota(cpus))],
    ...['--memory', String(memory), ...(swap ? ['--memory-swap', String(memory)] : [])],
    ...['--pids-limit', String(pids)],
  ];
}
