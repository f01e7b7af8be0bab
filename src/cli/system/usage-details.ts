import { shortDigest } from '../../core/model/image/digest.ts';
import type { ImageInfo } from '../../core/model/image/image.ts';
import { familiarName, HOST_IMAGE } from '../../core/model/image/reference.ts';
import { isLive } from '../../core/model/sandbox/phase.ts';
import type { Sandbox, SandboxRef } from '../../core/model/sandbox/sandbox.ts';
import type { InstanceUsage } from '../../core/model/system.ts';
import { isOfSandbox, isUsed, type UsageFacts, type UsageType } from './usage-rows.ts';

/** A row of `system df -v` as `-o json` shows it: one thing. */
export interface UsageDetail {
  type: UsageType;
  name: string;
  /** Of a sandbox, and of its log. */
  namespace: string | null;
  /** Null for what has none. */
  id: string | null;
  /** `used` or `unused`, the phase of a sandbox, `deleted` of one whose log is kept, who has an instance; null for what has none. */
  state: string | null;
  /** Of an image what no other has. */
  size_bytes: number;
  reclaimable: boolean;
  memory_bytes: number | null;
}

export function usageDetails({ usage, sandboxes, images }: UsageFacts): UsageDetail[] {
  const byId = new Map(sandboxes.map((sandbox) => [sandbox.id, sandbox]));
  const filesOf = new Map(usage.instances.filter(isOfSandbox).map((each) => [each.sandboxId!, each]));
  return [
    ...images.map((image) => ({
      ...{ ...none, type: 'images' as const, id: image.digest, size_bytes: image.uniqueSize },
      name: image.references[0] ? familiarName(image.references[0]) : shortDigest(image.digest),
      ...{ state: isUsed(image) ? 'used' : 'unused', reclaimable: !isUsed(image) && !isHost(image) },
    })),
    ...sandboxes.map((sandbox) => ({
      ...{ ...ofSandbox(sandbox.id, sandbox), type: 'sandboxes' as const },
      size_bytes: filesOf.get(sandbox.id)?.files ?? 0,
      memory_bytes: filesOf.get(sandbox.id)?.memory ?? 0,
    })),
    ...usage.logs.map(({ sandboxId, size, deleted }) => ({
      ...(deleted ? ofDeleted(sandboxId, deleted) : ofSandbox(sandboxId, byId.get(sandboxId))),
      ...{ type: 'logs' as const, size_bytes: size },
    })),
    ...usage.instances.filter((each) => !isOfSandbox(each)).map(ofInstance),
    { ...none, type: 'records', name: 'records', size_bytes: usage.records.size },
    ...usage.setAside.map(({ path, size }) => ({
      ...{ ...none, type: 'set-aside' as const, name: path, size_bytes: size, reclaimable: true },
    })),
    ...rest('interrupted-pulls', usage.images.leftovers, true),
    ...rest('being-removed', usage.trash, false),
  ];
}

/** Always there, and of no size of its own. */
const isHost = ({ references }: ImageInfo): boolean => references.includes(HOST_IMAGE);

const none = { namespace: null, id: null, state: null, reclaimable: false, memory_bytes: null };

/** @param sandbox undefined: it has gone while it was looked at */
const ofSandbox = (id: string, sandbox: Sandbox | undefined) => ({
  ...{ ...none, id, name: sandbox?.name ?? id, namespace: sandbox?.namespace ?? null },
  state: sandbox?.state.phase ?? null,
  reclaimable: sandbox !== undefined && !isLive(sandbox.state.phase),
});

const ofDeleted = (id: string, { namespace, name }: SandboxRef) => ({
  ...{ ...none, id, name, namespace, state: 'deleted', reclaimable: true },
});

const ofInstance = ({ id, pool, holder, files, memory }: InstanceUsage): UsageDetail => ({
  ...{ ...none, type: 'instances', id, name: pool || id, state: holder },
  ...{ size_bytes: files, memory_bytes: memory },
});

const rest = (type: UsageType, size: number, reclaimable: boolean): UsageDetail[] =>
  size === 0 ? [] : [{ ...none, type, name: type, size_bytes: size, reclaimable }];
