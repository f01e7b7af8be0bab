import { isAlive, killProcess, type ProcessIdentity } from '../../model/process-identity.ts';
import type { DestroyOptions } from '../driver.ts';
import type { CgroupLayout } from './cgroup/layout.ts';
import { cgroupProcesses, thaw } from './cgroup/tree.ts';
import { removeArguments } from './launch-arguments.ts';
import type { OciContext } from './oci-context.ts';
import { instancePaths } from './oci-paths.ts';
import { runtimeFailure } from './runtime-errors.ts';
import { readRuntimeState } from './runtime-state.ts';

/** Above what fsb-launch itself waits for processes and cgroups. */
const REMOVE_TIMEOUT_MS = 30_000;

/** SIGKILL to PID 1: everything else in its pid namespace dies with it. */
export async function killInstance(context: OciContext, cgroups: CgroupLayout, id: string): Promise<void> {
  const paths = instancePaths(context.directories, id);
  const first = readRuntimeState(context.runtime, paths.runtimeState);
  const targets =
    first !== undefined && isAlive(first) ? [first] : await cgroupProcesses(cgroups, paths.cgroup);
  for (const target of targets) killProcess(target);
  await thaw(cgroups, paths.cgroup);
}

/** Removes every trace of an instance, whatever there is of it. Every step is fine when there is nothing to do. */
export async function removeInstance(
  context: OciContext,
  cgroups: CgroupLayout,
  id: string,
  { keepFiles = false }: DestroyOptions,
): Promise<void> {
  const { directories, launcher, runtime, trash } = context;
  const paths = instancePaths(directories, id);
  // Moved aside, so that a big tree does not keep anybody waiting.
  const aside = keepFiles ? undefined : trash.placeFor(paths.layers);
  const words = removeArguments({
    paths,
    cgroups,
    first: firstProcess(runtime, paths.runtimeState),
    trash: aside,
  });
  const result = await launcher.run(words, { timeoutMs: REMOVE_TIMEOUT_MS });
  trash.empty();
  if (result.code === 0) return;
  const hint =
    'A process that survives SIGKILL waits for the kernel, mostly for a disk or a network file system.';
  throw runtimeFailure(`cannot destroy instance ${id}`, 'fsb-launch', result, '', hint);
}

/** Undefined also when it cannot be read, as for want of descriptors: fsb-launch ends whatever is in the cgroups. */
function firstProcess(runtime: OciContext['runtime'], directory: string): ProcessIdentity | undefined {
  try {
    return readRuntimeState(runtime, directory);
  } catch {
    return undefined;
  }
}
