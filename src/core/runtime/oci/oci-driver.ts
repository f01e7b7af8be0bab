import { mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import { diskError } from '../../model/failure/disk-failure.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { isInstanceId } from '../../model/ids.ts';
import type {
  BootedInstance,
  BootRequest,
  DestroyOptions,
  RuntimeDriver,
  RuntimeInstance,
} from '../driver.ts';
import { bootInstance, takeUsualPriority } from './boot.ts';
import type { CgroupLayout } from './cgroup/layout.ts';
import { readCgroupStats } from './cgroup/stats.ts';
import { removeEmptyParent } from './cgroup/tree.ts';
import { control, resume, updateOptions } from './control.ts';
import { killInstance, removeInstance } from './destroy.ts';
import { type WrittenUsage, writtenUsage } from './disk-usage.ts';
import { Launcher } from './launcher/launcher.ts';
import { Leftovers } from './leftovers.ts';
import { listInstances } from './list.ts';
import { readCgroupLayout, readInstanceLimits, requireGuestPrograms, requireRuntime } from './node-facts.ts';
import type { NodeFacts, OciContext, OciDriverOptions } from './oci-context.ts';
import { instancePaths, ociDirectories } from './oci-paths.ts';
import { probe } from './probe.ts';
import { createTrash } from './trash.ts';

/**
 * A day. How long a boot may take is for its caller to say, by the signal: a limit of the driver's own that is shorter
 * than the policy of a pool would end boots that the pool still waits for.
 */
const BOOT_TIMEOUT_MS = 24 * 3_600_000;
const SPREAD_TIMEOUT_MS = 10_000;

export interface OciDriver extends RuntimeDriver {
  /**
   * To be called for an instance of an earlier core that is used on: a core that was killed in the moment in which its
   * boot ended has left it the priority of what nobody waits for.
   */
  takeUp(instance: RuntimeInstance): void;
  /** Ids of instances that are gone, but for files that could not be removed yet. */
  readonly stuck: string[];
  /** @throws run_failed */
  diskUsage(signal?: AbortSignal): Promise<WrittenUsage>;
  /**
   * Stops the background work and removes what only serves further boots. Instances live on. Bounded, idempotent;
   * call it when no other call is under way.
   */
  close(): Promise<void>;
}

/** Instances by the command line of an OCI runtime, on overlay roots. Needs root. Does nothing until it is called. */
export function createOciDriver(options: OciDriverOptions): OciDriver {
  const directories = ociDirectories(options.runDir, options.stateDir, options.runtime);
  const launcher = new Launcher(options.launchBinary, options.clock);
  const context: OciContext = {
    binary: options.runtime,
    bootTimeoutMs: BOOT_TIMEOUT_MS,
    ...options,
    directories,
    launcher,
    programs: remembered(() => requirePrograms(context)),
    trash: createTrash(directories.trash, { ...options, launcher }),
  };
  const boots = new Map<string, { abort: AbortController; ended: Promise<unknown> }>();
  const removals = new Map<string, { ended: Promise<void>; keepFiles: boolean }>();
  const leftovers = new Leftovers({ remove: (id, how) => remove(id, how), ...options });
  let cgroups: CgroupLayout | undefined;
  const prepared = remembered(async () => {
    const facts = await prepare(context);
    cgroups = facts.cgroups;
    return facts;
  });

  /** One removal at a time; whoever wants more removed than the one under way does comes after it. */
  const remove = (id: string, { keepFiles = false }: DestroyOptions = {}): Promise<void> => {
    const running = removals.get(id);
    if (running !== undefined && (keepFiles || !running.keepFiles)) return running.ended;
    const ended = (running?.ended ?? Promise.resolve())
      .catch(() => {})
      .then(prepared)
      .then(({ cgroups }) => removeInstance(context, cgroups, id, { keepFiles }))
      .then(() => leftovers.gone(id))
      .finally(() => {
        if (removals.get(id) === removal) removals.delete(id);
      });
    const removal = { ended, keepFiles };
    removals.set(id, removal);
    return ended;
  };

  const bootOrClean = async (request: BootRequest, signal: AbortSignal): Promise<BootedInstance> => {
    const { id } = request;
    const keepFiles = request.shape.again !== undefined;
    const facts = await prepared();
    try {
      if (leftovers.has(id)) await remove(id, { keepFiles });
      return await bootInstance(context, facts, request, signal);
    } catch (error) {
      // Cleaning up would destroy the instance that is there.
      if (FsbError.from(error).code === 'conflict') throw error;
      await remove(id, { keepFiles }).catch((left: unknown) => {
        leftovers.add(id, { keepFiles });
        context.log.error({ err: left, instance: id }, 'a failed boot left something behind');
      });
      throw diskError(`cannot boot instance ${id}`, error) ?? error;
    }
  };

  return {
    name: options.runtime,
    probe: () => probe(context),

    async boot(request, signal) {
      assertInstanceId(request.id);
      if (boots.has(request.id) || removals.has(request.id))
        throw new FsbError('conflict', `cannot boot instance ${request.id}: it is being booted or destroyed`);
      const abort = new AbortController();
      const onAbort = (): void => abort.abort(signal?.reason);
      if (signal?.aborted) onAbort();
      signal?.addEventListener('abort', onAbort);
      const booting = bootOrClean(request, abort.signal);
      boots.set(request.id, { abort, ended: booting.catch(() => undefined) });
      try {
        return await booting;
      } finally {
        boots.delete(request.id);
        signal?.removeEventListener('abort', onAbort);
      }
    },

    takeUp: ({ pid, pidStartTime }) => takeUsualPriority({ pid, startTime: pidStartTime }),
    pause: async (id) => control(context, 'pause', checked(id)),
    async resume(id) {
      const { cgroups } = await prepared();
      await resume(context, cgroups, checked(id));
    },
    async update(id, resources) {
      const { limits } = await prepared();
      await control(context, 'update', checked(id), updateOptions(resources, limits));
    },
    async stats(id) {
      const { cgroups } = await prepared();
      return readCgroupStats(cgroups, instancePaths(directories, checked(id)).cgroup);
    },
    async kill(id) {
      const { cgroups } = await prepared();
      await killInstance(context, cgroups, checked(id));
    },
    async destroy(id, destroyOptions) {
      const boot = boots.get(checked(id));
      boot?.abort.abort(new FsbError('cancelled', `instance ${id} was destroyed while it booted`));
      await boot?.ended;
      await remove(id, destroyOptions);
    },
    async list() {
      const { cgroups } = await prepared();
      return listInstances(context, cgroups);
    },

    get stuck() {
      return context.trash.stuck;
    },
    diskUsage: (signal) => writtenUsage(context, signal),

    async close() {
      await leftovers.close();
      await context.trash.close();
      await launcher.close();
      if (cgroups !== undefined) await removeEmptyParent(cgroups, directories.cgroupParent);
    },
  };
}

/** What the first call finds; a failure is tried again by the next one. */
function remembered<T>(find: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined;
  return () => {
    found ??= find().catch((error: unknown) => {
      found = undefined;
      throw error;
    });
    return found;
  };
}

async function requirePrograms({ runtime, binary, initBinary, launchBinary }: OciContext): Promise<string> {
  await requireGuestPrograms([initBinary, launchBinary]);
  return requireRuntime(runtime, binary);
}

async function prepare({ directories, launcher, log, trash }: OciContext): Promise<NodeFacts> {
  for (const directory of [directories.bundles, directories.runtimeRoot, directories.trash])
    await mkdir(directory, { recursive: true, mode: 0o700 });
  if ((await mkdir(directories.instances, { recursive: true, mode: 0o700 })) !== undefined)
    await spread(directories.instances, launcher, log);
  const cgroups = await readCgroupLayout();
  const limits = await readInstanceLimits(cgroups);
  trash.empty();
  return { cgroups, limits };
}

/** Writable layers come and go here: ext4 gives each a place of its own. Without it all is right, and slower. */
async function spread(directory: string, launcher: Launcher, log: Logger): Promise<void> {
  try {
    const { code, stderr } = await launcher.run(['spread', directory], { timeoutMs: SPREAD_TIMEOUT_MS });
    if (code !== 0) log.warn({ directory, stderr }, 'cannot spread a directory over the disk');
  } catch (error) {
    // Without fsb-launch nothing boots either, and that says what to do.
    log.warn({ err: error, directory }, 'cannot spread a directory over the disk');
  }
}

/** An id becomes part of paths and arguments: nothing but our own form may. */
function assertInstanceId(id: string): void {
  if (!isInstanceId(id)) throw new FsbError('internal', `${JSON.stringify(id)} is not an instance id`);
}

function checked(id: string): string {
  assertInstanceId(id);
  return id;
}
