import { createHash } from 'node:crypto';
import { join } from 'node:path';

export type OciRuntimeName = 'runc' | 'crun';

/** Where one driver keeps its things. */
export interface OciDirectories {
  /** One directory for each instance; short, because a socket path holds 107 bytes. Shared by all runtimes. */
  bundles: string;
  /** The runtime's own state, its `--root`. */
  runtimeRoot: string;
  /** Writable layers, one directory for each runtime. */
  allInstances: string;
  /** Writable layers of this runtime's instances. */
  instances: string;
  /** Writable layers that wait to be removed; on the file system of `instances`, so that a rename gets them there. */
  trash: string;
  /** Parent of every instance's cgroup, the same path in each hierarchy; no two cores share it. */
  cgroupParent: string;
}

export function ociDirectories(runDir: string, stateDir: string, runtime: OciRuntimeName): OciDirectories {
  const core = createHash('sha256').update(runDir).digest('hex').slice(0, 12);
  return {
    bundles: join(runDir, 'i'),
    runtimeRoot: join(runDir, runtime),
    allInstances: join(stateDir, 'instances'),
    instances: join(stateDir, 'instances', runtime),
    trash: join(stateDir, 'trash'),
    cgroupParent: `/fsb-${runtime}-${core}`,
  };
}

export interface InstancePaths {
  bundle: string;
  config: string;
  rootfs: string;
  socket: string;
  /** What the runtime has to say, JSON lines. */
  runtimeLog: string;
  /** The runtime's own directory about this instance. */
  runtimeState: string;
  /** Holds `upper` and `work` of each overlay. */
  layers: string;
  cgroup: string;
}

export function instancePaths(directories: OciDirectories, id: string): InstancePaths {
  const bundle = join(directories.bundles, id);
  return {
    bundle,
    config: join(bundle, 'config.json'),
    rootfs: join(bundle, 'rootfs'),
    socket: join(bundle, 'guest.sock'),
    runtimeLog: join(bundle, 'runtime.log'),
    runtimeState: join(directories.runtimeRoot, id),
    layers: join(directories.instances, id),
    cgroup: `${directories.cgroupParent}/${id}`,
  };
}
