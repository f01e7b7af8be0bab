import { lstat, mkdir, readFile, writeFile } from 'node:fs/promises';
import { FsbError, throwIfAborted } from '../../model/errors.ts';
import { shortId } from '../../model/ids.ts';
import type { Mount } from '../../model/shape.ts';
import type { BootedInstance, BootRequest } from '../driver.ts';
import { guestFiles, makeUpper, readNodeFiles, writeGuestFiles } from './bundle/guest-files.ts';
import { ociConfig } from './bundle/oci-config.ts';
import { launchArguments } from './launch-arguments.ts';
import { requireGuestPrograms, requireRuntime } from './node-facts.ts';
import type { NodeFacts, OciContext } from './oci-context.ts';
import { type InstancePaths, instancePaths, layerPaths } from './oci-paths.ts';
import { runtimeFailure } from './runtime-errors.ts';
import { readRuntimeState } from './runtime-state.ts';

/**
 * Makes the directories of an instance, then has fsb-launch mount its root, listen on its socket and execute the
 * runtime, which ends when PID 1 runs. Cleaning up after a failure is the caller's.
 */
export async function bootInstance(
  context: OciContext,
  facts: NodeFacts,
  request: BootRequest,
  signal: AbortSignal,
): Promise<BootedInstance> {
  const paths = instancePaths(context.directories, request.id);
  const [runtimeBinary] = await Promise.all([
    requireRuntime(context.runtime, context.binary),
    requireGuestPrograms([context.initBinary, context.launchBinary]),
    checkSources(request.shape.mounts),
  ]);
  throwIfAborted(signal);
  // Layers before bundle: whoever finds a bundle finds whose it is.
  await makeLayers(paths, request);
  await makeBundle(context, facts, paths, request);
  await launch(context, paths, request, runtimeBinary, signal);
  const identity = await readRuntimeState(context.runtime, paths.runtimeState);
  if (identity === undefined)
    throw new FsbError(
      'run_failed',
      `cannot boot instance ${request.id}: ${context.runtime} left no state of it`,
    );
  return { id: request.id, channelPath: paths.socket, pid: identity.pid, pidStartTime: identity.startTime };
}

async function checkSources(mounts: Mount[]): Promise<void> {
  for (const { source } of mounts)
    await lstat(source).catch((error: Error) => {
      throw new FsbError('run_failed', `cannot mount ${source}: ${error.message}`, {
        hint: 'Give a path that exists on the node.',
        cause: error,
      });
    });
}

async function makeLayers(paths: InstancePaths, { id, shape, root }: BootRequest): Promise<void> {
  await mkdir(paths.layers, { mode: 0o700 });
  await Promise.all(
    root.overlays.map(async ({ lower, target }, index) => {
      const { upper, work } = layerPaths(paths.layers, index);
      await makeUpper(upper, lower[0]!).catch((error: Error) => {
        throw new FsbError('run_failed', `cannot boot instance ${id}: layer of ${target}: ${error.message}`, {
          cause: error,
        });
      });
      await mkdir(work);
    }),
  );
  const files = guestFiles(shortId(id), shape.network, await readNodeFiles(shape.network));
  await writeGuestFiles(layerPaths(paths.layers, 0).upper, root.overlays[0]!.lower, files);
}

async function makeBundle(
  context: OciContext,
  facts: NodeFacts,
  paths: InstancePaths,
  { id, shape }: BootRequest,
): Promise<void> {
  const config = ociConfig({
    shape,
    hostname: shortId(id),
    rootDirectory: paths.rootfs,
    initBinary: context.initBinary,
    cgroupPath: paths.cgroup,
    limits: facts.limits,
  });
  await mkdir(paths.bundle, { mode: 0o700 });
  await Promise.all([mkdir(paths.rootfs), writeFile(paths.config, JSON.stringify(config), { mode: 0o600 })]);
}

async function launch(
  context: OciContext,
  paths: InstancePaths,
  { id, root }: BootRequest,
  runtimeBinary: string,
  signal: AbortSignal,
): Promise<void> {
  const args = launchArguments({
    paths,
    id,
    root,
    runtimeBinary,
    runtimeRoot: context.directories.runtimeRoot,
  });
  const result = await context.launcher.run(args, { timeoutMs: context.bootTimeoutMs, signal });
  if (result.code === 0) return;
  const log = await readFile(paths.runtimeLog, 'utf8').catch(() => '');
  throw runtimeFailure(`cannot boot instance ${id}`, context.runtime, result, log);
}
