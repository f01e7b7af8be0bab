import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isInstanceId } from '../../model/ids.ts';
import { isAlive } from '../../model/process-identity.ts';
import type { RuntimeInstance } from '../driver.ts';
import type { CgroupLayout } from './cgroup/layout.ts';
import { childGroups } from './cgroup/tree.ts';
import type { OciContext } from './oci-context.ts';
import { instancePaths } from './oci-paths.ts';
import { readRuntimeState } from './runtime-state.ts';

/** Whose instances, and where. */
type Place = Pick<OciContext, 'directories' | 'runtime'>;

/** Every instance of which there is anything: runtime state, bundle, writable layers or cgroup. */
export async function listInstances(context: Place, cgroups: CgroupLayout): Promise<RuntimeInstance[]> {
  const { directories } = context;
  const [layers, ...others] = await Promise.all([
    names(directories.instances),
    names(directories.runtimeRoot),
    ownBundles(context),
    childGroups(cgroups, directories.cgroupParent),
  ]);
  const rest = new Set(others.flat());
  const ids = [...new Set([...layers, ...rest])].filter(isInstanceId).sort();
  return ids.map((id) => (rest.has(id) ? describe(context, id) : onlyFiles(context, id)));
}

function onlyFiles({ directories }: Place, id: string): RuntimeInstance {
  const { socket } = instancePaths(directories, id);
  return { id, channelPath: socket, pid: 0, pidStartTime: 0, alive: false, onlyFiles: true };
}

function describe(context: Place, id: string): RuntimeInstance {
  const paths = instancePaths(context.directories, id);
  const identity = readRuntimeState(context.runtime, paths.runtimeState);
  return {
    id,
    channelPath: paths.socket,
    pid: identity?.pid ?? 0,
    pidStartTime: identity?.startTime ?? 0,
    alive: identity !== undefined && isAlive(identity),
    onlyFiles: false,
  };
}

/** Bundles lie in one directory for all runtimes; those whose layers are another runtime's are not ours to destroy. */
async function ownBundles({ directories, runtime }: Place): Promise<string[]> {
  const bundles = await names(directories.bundles);
  const runtimes = await names(directories.allInstances);
  const others = new Set<string>();
  for (const other of runtimes.filter((name) => name !== runtime))
    for (const id of await names(join(directories.allInstances, other))) others.add(id);
  return bundles.filter((id) => !others.has(id));
}

async function names(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
