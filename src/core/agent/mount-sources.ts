import { realpath } from 'node:fs/promises';
import { FsbError } from '../model/failure/errors.ts';
import type { SandboxSpec } from '../model/sandbox/spec.ts';

type SpecMount = SandboxSpec['mounts'][number];

/** Directories of the machine that no sandbox may see through a mount, and why. */
const SENSITIVE: readonly (readonly [path: string, why: string])[] = [
  ['/proc', 'it shows the processes and the kernel of this machine'],
  ['/sys', 'it controls the kernel of this machine'],
  ['/dev', 'it has the devices of this machine'],
  ['/run', 'it has the control sockets of this machine'],
  ['/var/run', 'it has the control sockets of this machine'],
];

/**
 * Why a directory or file of the machine must not be mounted; undefined when it may be.
 * @param path absolute, without links and `..`
 * @param ownDirectories the core's own, likewise: neither they nor anything above or below them
 */
export function sourceRefusal(path: string, ownDirectories: readonly string[]): string | undefined {
  if (path === '/') return 'it is the whole file system of this machine';
  const sensitive = SENSITIVE.find(([directory]) => isWithin(path, directory));
  if (sensitive !== undefined) {
    const [directory, why] = sensitive;
    return path === directory ? why : `it is below ${directory}: ${why}`;
  }
  const own = ownDirectories.find((directory) => isWithin(path, directory) || isWithin(directory, path));
  return own === undefined ? undefined : `the core keeps its own files in ${own}`;
}

/**
 * The mounts with their sources resolved: what was checked is what is mounted, also when a link is changed afterwards.
 * To be called before anything is claimed: an instance that cannot have its mounts fails only in its boot, which counts
 * against the shape and leaves a record.
 * @throws invalid_argument for a source that does not exist or that no sandbox may see
 */
export async function checkedMounts(
  mounts: readonly SpecMount[],
  ownDirectories: readonly string[],
): Promise<SpecMount[]> {
  if (mounts.length === 0) return [];
  const own = await Promise.all(ownDirectories.map((path) => realpath(path)));
  return Promise.all(
    mounts.map(async (mount) => {
      const source = await existing(mount.source);
      const why = sourceRefusal(source, own);
      if (why === undefined) return { ...mount, source };
      const given = source === mount.source ? '' : `, which is ${source}`;
      throw new FsbError('invalid_argument', `cannot mount ${mount.source}${given}: ${why}`, {
        hint: 'Mount a directory that has only what the sandbox needs.',
      });
    }),
  );
}

async function existing(source: string): Promise<string> {
  try {
    return await realpath(source);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const missing = code === 'ENOENT' || code === 'ENOTDIR';
    const why = missing ? 'there is no such file or directory' : message;
    throw new FsbError('invalid_argument', `cannot mount ${source}: ${why}`, {
      hint: 'Name a directory or a file of the machine that the core runs on.',
      cause: error,
    });
  }
}

const isWithin = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(`${directory}/`);
