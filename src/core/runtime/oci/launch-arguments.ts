import type { RootFilesystem } from '../../model/image.ts';
import { type InstancePaths, layerPaths } from './oci-paths.ts';

export interface LaunchInput {
  paths: InstancePaths;
  id: string;
  root: RootFilesystem;
  /** Absolute path of the OCI runtime. */
  runtimeBinary: string;
  /** The runtime's `--root`. */
  runtimeRoot: string;
}

/** Arguments of `fsb-launch` that boot one instance; see guest/launch/boot.c. */
export function launchArguments(input: LaunchInput): string[] {
  const { paths, id, root } = input;
  const overlays = root.overlays.flatMap(({ target, lower }, index) => {
    const { upper, work } = layerPaths(paths.layers, index);
    const lowers = lower.flatMap((directory) => ['--lower', directory]);
    return ['--overlay', target, ...lowers, '--upper', upper, '--work', work];
  });
  return [
    'boot',
    ...['--socket', paths.socket, '--rootfs', paths.rootfs],
    ...overlays,
    '--',
    ...[input.runtimeBinary, '--root', input.runtimeRoot, '--log', paths.runtimeLog, '--log-format', 'json'],
    ...['run', '--detach', '--preserve-fds', '1', '--bundle', paths.bundle, id],
  ];
}
