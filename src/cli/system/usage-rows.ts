import type { CoreApi } from '../../core/api/core-api.ts';
import type { CallOptions } from '../../core/api/sandbox-api.ts';
import type { ImageInfo } from '../../core/model/image/image.ts';
import { isLive } from '../../core/model/sandbox/phase.ts';
import type { Sandbox } from '../../core/model/sandbox/sandbox.ts';
import type { InstanceUsage, LogUsage, SystemUsage } from '../../core/model/system.ts';

/** What `system df` looks at. */
export interface UsageFacts {
  usage: SystemUsage;
  sandboxes: Sandbox[];
  images: ImageInfo[];
}

export async function askUsage(core: CoreApi, call: CallOptions): Promise<UsageFacts> {
  const [usage, sandboxes, images] = await Promise.all([
    core.system.usage(call),
    core.sandboxes.list({}, call),
    core.images.list(call),
  ]);
  return { usage, sandboxes, images };
}

export type UsageType =
  | 'images'
  | 'sandboxes'
  | 'logs'
  | 'instances'
  | 'records'
  | 'set-aside'
  | 'interrupted-pulls'
  | 'being-removed';

/** A row of `system df` as `-o json` shows it. */
export interface UsageRow {
  type: UsageType;
  /** Null here and below: that is not counted. */
  total: number | null;
  active: number | null;
  size_bytes: number;
  /** What `system prune --all` frees; of what was set aside, with --set-aside. */
  reclaimable_bytes: number;
  memory_bytes: number | null;
}

export function usageRows({ usage, sandboxes, images }: UsageFacts): UsageRow[] {
  const live = new Set(sandboxes.filter(({ state }) => isLive(state.phase)).map(({ id }) => id));
  const ended = new Set(sandboxes.map(({ id }) => id).filter((id) => !live.has(id)));
  const isEnded = ({ sandboxId = '' }: { sandboxId?: string }): boolean => ended.has(sandboxId);
  const isUnused = (log: LogUsage): boolean => log.deleted !== undefined || isEnded(log);
  const { instances, logs, records, setAside } = usage;
  const own = instances.filter(isOfSandbox);
  const others = instances.filter((each) => !isOfSandbox(each));
  const asideSize = sum(setAside, sizeOf);
  return [
    {
      ...{ type: 'images', total: images.length, active: images.filter(isUsed).length },
      ...{ size_bytes: usage.images.size, reclaimable_bytes: usage.images.reclaimable, memory_bytes: null },
    },
    {
      ...{ type: 'sandboxes', total: sandboxes.length, active: live.size, size_bytes: sum(own, filesOf) },
      ...{ reclaimable_bytes: sum(own.filter(isEnded), filesOf), memory_bytes: sum(own, memoryOf) },
    },
    {
      ...{ type: 'logs', total: logs.length, active: logs.filter((log) => live.has(log.sandboxId)).length },
      ...{ size_bytes: sum(logs, sizeOf), reclaimable_bytes: sum(logs.filter(isUnused), sizeOf) },
      memory_bytes: null,
    },
    {
      ...{ type: 'instances', total: others.length, active: others.filter(isLent).length },
      ...{ size_bytes: sum(others, filesOf), reclaimable_bytes: 0, memory_bytes: sum(others, memoryOf) },
    },
    plain('records', records.count, records.size, 0),
    plain('set-aside', setAside.length, asideSize, asideSize),
    plain('interrupted-pulls', null, usage.images.leftovers, usage.images.leftovers),
    plain('being-removed', null, usage.trash, 0),
  ];
}

/** What nobody uses, or all the time. */
const plain = (type: UsageType, total: number | null, size: number, reclaimable: number): UsageRow => ({
  ...{ type, total, active: null, size_bytes: size, reclaimable_bytes: reclaimable, memory_bytes: null },
});

export const isUsed = ({ usedBy }: ImageInfo): boolean => usedBy.length > 0;
/** Which one is not told to whoever may only enter some namespaces. */
export const isOfSandbox = ({ holder }: InstanceUsage): boolean => holder === 'sandbox' || holder === 'files';
const isLent = ({ holder }: InstanceUsage): boolean => holder === 'lease' || holder === 'run';

const sizeOf = ({ size }: { size: number }): number => size;
const filesOf = ({ files }: InstanceUsage): number => files;
const memoryOf = ({ memory }: InstanceUsage): number => memory;

const sum = <T>(items: readonly T[], bytes: (item: T) => number): number =>
  items.reduce((total, item) => total + bytes(item), 0);
