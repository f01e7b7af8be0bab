import { rm } from 'node:fs/promises';
import { FsbError } from '../../model/errors.ts';
import type { CgroupLayout } from './cgroup/layout.ts';
import { cgroupProcesses, removeCgroup, thaw } from './cgroup/tree.ts';
import type { OciContext } from './oci-context.ts';
import { type InstancePaths, instancePaths } from './oci-paths.ts';
import { isAlive, killProcess, type ProcessIdentity } from './process-identity.ts';
import { readRuntimeState } from './runtime-state.ts';

const END_WAIT_MS = 5000;
const END_TIMEOUT_MS = 10_000;
/** A half-made instance may fork on while it is being killed; a whole one dies with its PID 1 in the first round. */
const KILL_ROUNDS = 5;

/** SIGKILL to PID 1: everything else in its pid namespace dies with it. */
export async function killInstance(context: OciContext, cgroups: CgroupLayout, id: string): Promise<void> {
  const paths = instancePaths(context.directories, id);
  const first = await readRuntimeState(context.runtime, paths.runtimeState);
  const targets =
    first !== undefined && isAlive(first) ? [first] : await cgroupProcesses(cgroups, paths.cgroup);
  for (const target of targets) killProcess(target);
  await thaw(cgroups, paths.cgroup);
}

/** Removes every trace of an instance, whatever there is of it. Every step is fine when there is nothing to do. */
export async function removeInstance(context: OciContext, cgroups: CgroupLayout, id: string): Promise<void> {
  const paths = instancePaths(context.directories, id);
  await killInstance(context, cgroups, id);
  await endProcesses(context, cgroups, paths, id);
  await removeCgroup(cgroups, paths.cgroup, context.clock);
  // What `runc delete` would still do for a dead instance, without the 8 ms that its start takes, and it works for
  // states that the runtime had written only half, which it refuses.
  await rm(paths.runtimeState, { recursive: true, force: true });
  await rm(paths.bundle, { recursive: true, force: true });
  // Last: the layers tell whose the rest is. Moved aside, so that a big tree does not keep anybody waiting.
  await context.trash.throwAway(paths.layers);
}

async function endProcesses(
  context: OciContext,
  cgroups: CgroupLayout,
  paths: InstancePaths,
  id: string,
): Promise<void> {
  for (let round = 0; round < KILL_ROUNDS; round++) {
    const first = await readRuntimeState(context.runtime, paths.runtimeState);
    const targets =
      first !== undefined && isAlive(first) ? [first] : await cgroupProcesses(cgroups, paths.cgroup);
    if (targets.length === 0) return;
    await killAndWait(context, targets, id);
  }
  throw new FsbError(
    'run_failed',
    `cannot destroy instance ${id}: it makes processes faster than they are killed`,
  );
}

// Node.js cannot wait for a process that is not its child; fsb-launch does, on a pidfd, and signals without a race.
async function killAndWait(context: OciContext, targets: ProcessIdentity[], id: string): Promise<void> {
  const names = targets.map(({ pid, startTime }) => `${pid}:${startTime}`);
  const args = ['end', '--wait', String(END_WAIT_MS), ...names];
  const result = await context.launcher.run(args, { timeoutMs: END_TIMEOUT_MS });
  if (result.code !== 0)
    throw new FsbError('run_failed', `cannot destroy instance ${id}: ${result.stderr.trim()}`, {
      hint: 'A process that survives SIGKILL waits for the kernel, mostly for a disk or a network file system.',
    });
}
