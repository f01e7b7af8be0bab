import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { RetainedLog, RetainedLogs } from '../agent/logs/retained-logs.ts';
import type { SystemApi } from '../api/core-api.ts';
import type { ImageApi } from '../api/image-api.ts';
import type { LocalImageStore } from '../image/image-store.ts';
import { Rounds } from '../model/async/rounds.ts';
import type { CorePaths } from '../model/paths.ts';
import type { LogUsage, RecoveryResult } from '../model/system.ts';
import type { RecordStore } from '../store/store.ts';
import { logSizes } from './file-sizes.ts';
import { type InstancesGround, instanceUsage } from './instances.ts';
import { allSetAside, removeSetAside } from './set-aside.ts';
import type { UnclaimedGround } from './unclaimed.ts';

/** What a core says about itself as a thing that takes room and can be out of order. */
export type Upkeep = Pick<SystemApi, 'usage' | 'health' | 'retainedLogs' | 'removeLogs' | 'removeSetAside'>;

export interface UpkeepGround extends InstancesGround {
  paths: Pick<CorePaths, 'state'>;
  /** Bytes of what guests have written. @throws run_failed */
  written: (signal: AbortSignal) => Promise<{ instances: Map<string, number>; trash: number }>;
  /** With their users. */
  images: Pick<ImageApi, 'list'>;
  store: Pick<LocalImageStore, 'usage'>;
  records: Pick<RecordStore, 'health' | 'dropSetAside'>;
  retained: Pick<RetainedLogs, 'entries' | 'get' | 'remove'>;
  recovery: RecoveryResult;
  unclaimed: UnclaimedGround;
  /** As SystemHealth.damagedLogs. */
  damagedLogs: () => Promise<string[]>;
  /** As SystemHealth.stuck. */
  stuck: () => string[];
}

export function createUpkeep(ground: UpkeepGround): Upkeep {
  const { state } = ground.paths;
  const { records } = ground;
  const logs = join(state, 'logs');
  // They walk through files and records: however many ask, one at a time does.
  const usage = new Rounds(async (signal) => {
    const { instances, trash } = await ground.written(signal);
    const { count, size } = records.health();
    return {
      images: await imagesOf(ground),
      instances: await instanceUsage(ground, instances),
      logs: [...(await logSizes(logs))].map(([id, bytes]) => logOf(id, bytes, ground.retained.get(id))),
      records: { count, size },
      setAside: await allSetAside(state, records, ground.unclaimed),
      trash,
    };
  });
  const health = new Rounds(async () => {
    const { count, size, failure } = records.health();
    return {
      records: { count, size, ...(failure && { failure }) },
      setAside: await allSetAside(state, records, ground.unclaimed),
      logs: [...(await logSizes(logs)).values()].reduce((sum, bytes) => sum + bytes, 0),
      damagedLogs: await ground.damagedLogs(),
      disk: await roomOf(state),
      recovery: { ...ground.recovery },
      unsettled: ground.unclaimed.unsettled.list(),
      stuck: ground.stuck(),
    };
  });
  return {
    usage: ({ signal } = {}) => usage.join(signal),
    health: ({ signal } = {}) => health.join(signal),
    retainedLogs: async () =>
      ground.retained.entries().map(([id, retained]) => logOf(id, retained.size, retained)),
    async removeLogs(sandboxIds) {
      for (const id of sandboxIds) await ground.retained.remove(id);
    },
    removeSetAside: () => removeSetAside(state, records, ground.unclaimed),
  };
}

function logOf(sandboxId: string, size: number, retained: RetainedLog | undefined): LogUsage {
  if (retained === undefined) return { sandboxId, size };
  const { namespace, name, deletedAt } = retained;
  return { sandboxId, size, deleted: { namespace, name, at: deletedAt } };
}

async function imagesOf({ images, store }: Pick<UpkeepGround, 'images' | 'store'>) {
  const used = new Set(
    (await images.list()).filter(({ usedBy }) => usedBy.length > 0).map(({ digest }) => digest),
  );
  return store.usage((digest) => used.has(digest));
}

/** Of the file system that a directory is on, in bytes; `free` is what is left for this user. */
export async function roomOf(directory: string): Promise<{ free: number; total: number }> {
  const { bavail, blocks, bsize } = await statfs(directory);
  return { free: bavail * bsize, total: blocks * bsize };
}
