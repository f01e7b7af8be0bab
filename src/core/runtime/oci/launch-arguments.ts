import { join } from 'node:path';
import type { RootFilesystem } from '../../model/image/image.ts';
import type { ProcessIdentity } from '../../model/process-identity.ts';
import type { GuestFiles } from './bundle/guest-files.ts';
import { type CgroupLayout, controllerDirectory, groupDirectories } from './cgroup/layout.ts';
import type { InstancePaths } from './oci-paths.ts';

export interface BootInput {
  paths: InstancePaths;
  id: string;
  root: RootFilesystem;
  /** config.json */
  config: string;
  /** What /etc has of its own. */
  etc: GuestFiles;
  /** Absolute path of the OCI runtime. */
  runtimeBinary: string;
  /** The runtime's `--root`. */
  runtimeRoot: string;
  /** The layers of an earlier instance with this id are there. */
  again: boolean;
  /** Bytes that may be written; left out: as many as there is room for. */
  disk?: number;
}

/** The mode of `fsb-launch` that boots one instance; see guest/launch/boot.c. */
export function bootArguments(input: BootInput): string[] {
  const { paths, id, root, config, etc } = input;
  const overlays = root.overlays.flatMap(({ target, lower }) => [
    '--overlay',
    target,
    ...lower.flatMap((directory) => ['--lower', directory]),
  ]);
  return [
    'boot',
    ...['--layers', paths.layers, '--bundle', paths.bundle, '--config', config],
    ...(input.again ? ['--again'] : []),
    ...(input.disk === undefined ? [] : ['--disk', String(input.disk)]),
    ...Object.entries(etc).flatMap(([name, text]: [string, string]) => ['--etc', name, text]),
    ...overlays,
    '--',
    ...[input.runtimeBinary, '--root', input.runtimeRoot, '--log', paths.runtimeLog, '--log-format', 'json'],
    ...['run', '--detach', '--preserve-fds', '1', '--bundle', paths.bundle, id],
  ];
}

export interface RemoveInput {
  paths: InstancePaths;
  cgroups: CgroupLayout;
  /** PID 1, when the runtime wrote it down. */
  first: ProcessIdentity | undefined;
  /** Where the layers go, to be removed later; undefined: they stay. */
  trash: string | undefined;
}

/** The mode of `fsb-launch` that leaves nothing of an instance; see guest/launch/remove.c. */
export function removeArguments({ paths, cgroups, first, trash }: RemoveInput): string[] {
  const freezer = cgroups.mode === 'v2' ? undefined : controllerDirectory(cgroups, 'freezer', paths.cgroup);
  return [
    'remove',
    ...(first === undefined ? [] : ['--process', `${first.pid}:${first.startTime}`]),
    ...(freezer === undefined ? [] : ['--thaw', join(freezer, 'freezer.state')]),
    ...groupDirectories(cgroups, paths.cgroup).flatMap((group) => ['--group', group]),
    // What `runc delete` would still do for a dead instance, without the 8 ms that its start takes, and it works for
    // states that the runtime had written only half, which it refuses.
    ...['--tree', paths.runtimeState, '--tree', paths.bundle],
    ...(trash === undefined ? [] : ['--aside', paths.layers, trash]),
  ];
}
