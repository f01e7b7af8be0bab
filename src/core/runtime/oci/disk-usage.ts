import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FsbError } from '../../model/failure/errors.ts';
import type { OciContext } from './oci-context.ts';

const BATCH = 64;
const TIMEOUT_MS = 10 * 60_000;

/** Bytes that it takes on the disk. */
export interface WrittenUsage {
  /** What was written in instances, by their ids. */
  instances: Map<string, number>;
  /** What waits to be removed. */
  trash: number;
}

/** What guests have written in the instances of this driver. @throws run_failed */
export async function writtenUsage(
  context: Pick<OciContext, 'directories' | 'launcher'>,
  signal?: AbortSignal,
): Promise<WrittenUsage> {
  const { instances, trash } = context.directories;
  const [ids, removed] = [await namesIn(instances), await namesIn(trash)];
  const sizes = new Map<string, number>();
  for (let start = 0; start < ids.length; start += BATCH)
    for (const [id, size] of await treeSizes(instances, ids.slice(start, start + BATCH), context, signal))
      sizes.set(id, size);
  const waiting = removed.length === 0 ? [] : await treeSizes(join(trash, '..'), ['trash'], context, signal);
  return { instances: sizes, trash: waiting[0]?.[1] ?? 0 };
}

const namesIn = (directory: string): Promise<string[]> =>
  readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });

// fsb-launch hands back what is written to stderr. What du complains of has gone while it looked.
const DU = 'exec du -skx -- "$@" >&2 2>/dev/null';

/**
 * du walks by descriptors: a guest can nest directories deeper than any path may be long. It gives way to all else, since
 * nobody knows how much there is to walk.
 * @returns bytes by name, without what has gone meanwhile
 */
async function treeSizes(
  directory: string,
  names: string[],
  { launcher }: Pick<OciContext, 'launcher'>,
  signal: AbortSignal | undefined,
): Promise<[name: string, bytes: number][]> {
  const words = ['run', 'sh', '-c', DU, 'du', ...names.map((name) => join(directory, name))];
  const lowUntil = new AbortController().signal;
  const { code, stderr } = await launcher.run(words, { timeoutMs: TIMEOUT_MS, signal, lowUntil });
  if (code !== 0 && code !== 1)
    throw new FsbError('run_failed', `cannot measure ${directory}: du ended with ${code}`, {
      hint: 'Is du there? It is in coreutils.',
    });
  return [...stderr.matchAll(/^(\d+)\t.*\/([^/\n]+)$/gm)].map(([, kibibytes, name]) => [
    name!,
    Number(kibibytes) * 1024,
  ]);
}
