import { lstat, readFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { diskFull } from '../../model/failure/disk-full.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import { shortId } from '../../model/ids.ts';
import type { ProcessIdentity } from '../../model/process-identity.ts';
import type { Mount } from '../../model/sandbox/shape.ts';
import type { BootedInstance, BootRequest } from '../driver.ts';
import { guestFiles, readNodeFiles } from './bundle/guest-files.ts';
import { ociConfig } from './bundle/oci-config.ts';
import { requireDiskNeeds } from './disk-needs.ts';
import { findFullDisk } from './full-disk.ts';
import { bootArguments } from './launch-arguments.ts';
import type { LaunchOptions } from './launcher/launcher.ts';
import type { NodeFacts, OciContext } from './oci-context.ts';
import { type InstancePaths, instancePaths } from './oci-paths.ts';
import { runtimeFailure } from './runtime-errors.ts';
import { readRuntimeState } from './runtime-state.ts';

/** fsb-launch found files of an instance with this id, and made nothing. */
const EXIT_EXISTS = 76;

/**
 * Has fsb-launch make the files of an instance, mount its root, listen on its socket and execute the runtime, which
 * ends when PID 1 runs. Cleaning up after a failure is the caller's.
 * @throws conflict when there is something of an instance with this id: then nothing was made, and nothing is to be
 * cleaned up; no_capacity when the disk is full; unsupported when its own cannot be limited here; run_failed
 */
export async function bootInstance(
  context: OciContext,
  facts: NodeFacts,
  request: BootRequest,
  signal: AbortSignal,
): Promise<BootedInstance> {
  const { id, shape } = request;
  const paths = instancePaths(context.directories, id);
  const { disk } = shape.resources;
  if (disk !== undefined) await requireDiskNeeds(`cannot boot instance ${id}`);
  const [runtimeBinary] = await Promise.all([context.programs(), checkSources(shape.mounts)]);
  const config = ociConfig({
    shape,
    hostname: shortId(id),
    rootDirectory: paths.rootfs,
    initBinary: context.initBinary,
    directories: request.root.directories ?? [],
    cgroupPath: paths.cgroup,
    limits: facts.limits,
  });
  const words = bootArguments({
    paths,
    id,
    root: request.root,
    config: JSON.stringify(config),
    etc: guestFiles(shortId(id), shape.network, await readNodeFiles(shape.network)),
    runtimeBinary,
    runtimeRoot: context.directories.runtimeRoot,
    again: shape.again !== undefined,
    disk,
  });
  await launch(context, paths, id, words, { signal, lowUntil: request.lowUntil });
  failpoint('boot.launched');
  const identity = readRuntimeState(context.runtime, paths.runtimeState);
  if (identity === undefined)
    throw new FsbError('run_failed', `cannot boot instance ${id}: ${context.runtime} left no state of it`);
  if (request.lowUntil !== undefined) takeUsualPriority(identity);
  return { id, channelPath: paths.socket, pid: identity.pid, pidStartTime: identity.startTime };
}

/** PID 1 has started nothing yet, and what it starts gets its priority. One that is dead already is found out later. */
export function takeUsualPriority({ pid }: ProcessIdentity): void {
  try {
    setPriority(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
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

async function launch(
  context: OciContext,
  paths: InstancePaths,
  id: string,
  words: string[],
  options: Pick<LaunchOptions, 'signal' | 'lowUntil'>,
): Promise<void> {
  throwIfAborted(options.signal);
  const result = await context.launcher.run(words, { timeoutMs: context.bootTimeoutMs, ...options });
  if (result.code === 0) return;
  const log = await readFile(paths.runtimeLog, 'utf8').catch(() => '');
  const what = `cannot boot instance ${id}`;
  const failure = runtimeFailure(what, context.runtime, result, log);
  if (result.code === EXIT_EXISTS) throw new FsbError('conflict', failure.message);
  const where = await findFullDisk([context.directories.instances, context.directories.bundles]);
  throw where === undefined ? failure : diskFull(what, { where, cause: failure });
}
