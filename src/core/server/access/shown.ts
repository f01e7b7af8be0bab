import type { SystemInfo } from '../../api/core-api.ts';
import type { SandboxNews } from '../../api/sandbox-api.ts';
import { type Caller, mayEnter } from '../../model/caller.ts';
import type { CoreEvent } from '../../model/event.ts';
import type { ImageInfo } from '../../model/image/image.ts';
import type { PoolDetails, PoolInstance } from '../../model/pool/pool.ts';
import type { LogUsage, SystemHealth, SystemUsage } from '../../model/system.ts';

/** What the things of the whole node show to a caller who may not see all of them: no names of namespaces that they may not enter. */

/** Nothing of it, when it is about a sandbox that the caller may not know of. */
export function shownEvent(event: CoreEvent, caller: Caller): CoreEvent | undefined {
  return event.sandbox === undefined || mayEnter(caller, event.sandbox.namespace) ? event : undefined;
}

/** Nothing of a sandbox that the caller may not know of. */
export function shownNews(news: SandboxNews, caller: Caller): SandboxNews | undefined {
  const about = news.sandbox ?? news.removed;
  return about === undefined || mayEnter(caller, about.namespace) ? news : undefined;
}

/** What it was started with tells where its secrets are. */
export function shownInfo({ flags: _, ...info }: SystemInfo): SystemInfo {
  return info;
}

/** Of a deleted sandbox. Whose the others are is not in it; the size of one's own log comes with its sandbox. */
export const maySeeLog = ({ deleted }: LogUsage, caller: Caller): boolean =>
  deleted !== undefined && mayEnter(caller, deleted.namespace);

export const shownUsage = (usage: SystemUsage, caller: Caller): SystemUsage => ({
  ...usage,
  instances: usage.instances.map(withoutSandbox),
  logs: usage.logs.filter((log) => maySeeLog(log, caller)),
});

export const shownHealth = (health: SystemHealth): SystemHealth => ({
  ...health,
  unsettled: health.unsettled.map(withoutSandbox),
  damagedLogs: [],
});

/** The node does not know in which namespace it is. */
function withoutSandbox<Instance extends { sandboxId?: string }>({
  sandboxId: _,
  ...instance
}: Instance): Omit<Instance, 'sandboxId'> {
  return instance;
}

export function shownPool(pool: PoolDetails, caller: Caller): PoolDetails {
  return { ...pool, instances: pool.instances.map((instance) => shownInstance(instance, caller)) };
}

function shownInstance({ holder, ...instance }: PoolInstance, caller: Caller): PoolInstance {
  return holder === undefined ? instance : { ...instance, holder: shownHolder(holder, caller) };
}

/** `sandbox NAMESPACE/NAME`, `lease ID` and `run`: of others only what kind they are. */
function shownHolder(holder: string, caller: Caller): string {
  const [kind = '', name = ''] = holder.split(' ');
  return kind === 'sandbox' && mayEnter(caller, name.split('/')[0]!) ? holder : kind;
}

/** `usedBy` keeps the caller's own sandboxes, `NAMESPACE/NAME`, and what has no name. */
export function shownImage<Image extends ImageInfo>(image: Image, caller: Caller): Image {
  const own = (user: string): boolean => {
    const [namespace, name] = user.split('/');
    return name === undefined ? !user.startsWith('lease ') : mayEnter(caller, namespace!);
  };
  return { ...image, usedBy: image.usedBy.filter(own) };
}
