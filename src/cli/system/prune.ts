import type { CoreApi } from '../../core/api/core-api.ts';
import type { CallOptions } from '../../core/api/sandbox-api.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { PruneResult } from '../../core/model/image/image.ts';
import { formatSize } from '../../core/model/quantity.ts';
import { hasLabels } from '../../core/model/sandbox/labels.ts';
import { isLive } from '../../core/model/sandbox/phase.ts';
import type { Sandbox, SandboxRef } from '../../core/model/sandbox/sandbox.ts';
import type { SetAside } from '../../core/model/system.ts';
import { imageLossLines, type PruneFilter } from '../images/prune-terms.ts';

export interface PruneTerms {
  filter: PruneFilter;
  /** Of the sandboxes; undefined: all of them. */
  namespace: string | undefined;
  /** No logs, and no images. */
  sandboxesOnly: boolean;
  /** Also images with a name. */
  allImages: boolean;
  setAside: boolean;
}

/** An ended sandbox, and the bytes of its files and its log. */
export interface EndedSandbox {
  sandbox: Sandbox;
  size: number;
}

/** The ended sandboxes that are meant. */
export async function endedSandboxes(
  core: Pick<CoreApi, 'sandboxes' | 'system'>,
  { filter: { olderThan, labels = [] }, namespace }: PruneTerms,
  { now, call }: { now: number; call: CallOptions },
): Promise<EndedSandbox[]> {
  const isMeant = ({ state, createdAt, spec }: Sandbox): boolean =>
    !isLive(state.phase) &&
    (olderThan === undefined || now - createdAt > olderThan) &&
    hasLabels(spec.labels, labels);
  const found = (await core.sandboxes.list({ namespace }, call)).filter(isMeant);
  // Without any there is nothing to walk for.
  if (found.length === 0) return [];
  const { instances, logs } = await core.system.usage(call);
  const sizes = new Map<string, number>();
  const add = (id: string, bytes: number): void => void sizes.set(id, (sizes.get(id) ?? 0) + bytes);
  for (const { sandboxId, files } of instances) if (sandboxId !== undefined) add(sandboxId, files);
  for (const { sandboxId, size } of logs) add(sandboxId, size);
  return found.map((sandbox) => ({ sandbox, size: sizes.get(sandbox.id) ?? 0 }));
}

/** The log that is kept of a deleted sandbox, and its bytes. */
export interface DeletedLog extends SandboxRef {
  id: string;
  size: number;
}

/** What goes, in the order in which people are told of it. */
export interface Candidates {
  ended: EndedSandbox[];
  logs: DeletedLog[];
}

/** What would go, a line each. */
export async function lossLines(
  core: Pick<CoreApi, 'images' | 'system'>,
  { ended, logs }: Candidates,
  { allImages, filter, setAside, sandboxesOnly }: PruneTerms,
  call: CallOptions,
): Promise<string[]> {
  const sandboxes = ended.map(({ sandbox, size }) => `sandbox ${nameOf(sandbox)} (${formatSize(size)})`);
  if (sandboxesOnly) return sandboxes;
  // Their files go, so that nothing of them is in the way of an image.
  const without = ended.map(({ sandbox }) => nameOf(sandbox));
  const images = await core.images.prune({ all: allImages, ...filter, dryRun: true, without }, call);
  const aside = setAside ? (await core.system.health(call)).setAside : [];
  return [
    ...sandboxes,
    ...logs.map((log) => `log of deleted sandbox ${nameOf(log)} (${formatSize(log.size)})`),
    ...imageLossLines(images),
    ...aside.map(({ path, size }) => `${path} (${formatSize(size)})`),
  ];
}

/** @returns false when it has gone, or runs again by now */
export async function deleteEnded(
  { sandboxes }: Pick<CoreApi, 'sandboxes'>,
  { sandbox }: EndedSandbox,
  call: CallOptions,
): Promise<boolean> {
  try {
    const { id, state } = await sandboxes.get(sandbox, call);
    if (id !== sandbox.id || isLive(state.phase)) return false;
    await sandboxes.delete(sandbox, call);
    return true;
  } catch (error) {
    if (FsbError.from(error).code === 'not_found') return false;
    throw error;
  }
}

/** What is gone. */
export interface Pruned {
  sandboxes: EndedSandbox[];
  logs: DeletedLog[];
  images: PruneResult;
  setAside: SetAside[];
}

export const NOTHING: Pruned = {
  ...{ sandboxes: [], logs: [], setAside: [] },
  images: { removed: [], freed: 0 },
};

/** `default/box`, as images name those who use them, too. */
export const nameOf = ({ namespace, name }: SandboxRef): string => `${namespace}/${name}`;
