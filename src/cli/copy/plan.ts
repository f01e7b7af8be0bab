import { posix } from 'node:path';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { ToolPlace } from '../guest-tool/guest-tool.ts';
import { printable } from '../output/output.ts';
import { noDirectoryInside } from './nothing-there.ts';
import { assertsDirectory, splitPath } from './place.ts';

export type Kind = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'device';

/** What is at a path. */
export interface Found {
  kind: Kind;
  /** Of a symbolic link. */
  target?: string;
  /** Bytes, of a file. */
  size?: number;
}

/** @throws for what is wrong with the path; undefined: nothing is there */
export type Lookup = (path: string) => Promise<Found | undefined>;

export interface Source {
  /** Its last part; `.`: the content of a directory. */
  base: string;
  isDirectory: boolean;
}

export interface Destination {
  path: string;
  /** undefined: nothing is there. */
  kind?: Kind;
}

/** Where the copy goes: under a name into a directory that is there. `.`: the content, right into it. */
export interface CopyPlan {
  directory: string;
  name: string;
}

/** As many links in a row as docker follows. */
const MOST_LINKS = 10;

/** A link as destination means what it leads to, which need not be there yet. */
export async function findDestination(path: string, lookup: Lookup): Promise<Destination> {
  let at = path;
  for (let links = 0; ; links++) {
    const found = await lookup(at);
    if (found === undefined) return { path: at };
    if (found.kind !== 'symlink') return { path: at, kind: found.kind };
    if (links === MOST_LINKS)
      throw new FsbError('conflict', `cannot copy to ${printable(path)}: too many symbolic links`);
    at = posix.resolve(splitPath(at).directory, found.target ?? '');
  }
}

/**
 * docker's rules: into a directory that exists; else under the destination's own name, where a file may replace a file,
 * and a directory nothing. What is more than its content, as a device, is never replaced.
 * @param place whose the destination is; undefined: it is here
 * @throws conflict, not_found
 */
export function planCopy(source: Source, destination: Destination, place?: ToolPlace): CopyPlan {
  const { path, kind } = destination;
  if (kind === 'directory') return { directory: path, name: source.base };
  const where = place === undefined ? path : `${place.ref.name}:${path}`;
  if (kind !== undefined && kind !== 'file')
    throw cannotTake({ path: where, kind }, 'Name a file, a directory, or something that is not there yet.');
  if (kind === 'file' && source.isDirectory)
    throw new FsbError('conflict', `cannot copy a directory to ${printable(where)}: that is a file`, {
      hint: 'Name a directory, or something that is not there yet.',
    });
  if (kind === undefined && !source.isDirectory && assertsDirectory(path)) {
    if (place !== undefined) throw noDirectoryInside(place, path);
    throw new FsbError('not_found', `cannot copy to ${printable(path)}: there is no such directory`, {
      hint: 'Make it first, or leave out the slash to give the copy this name.',
    });
  }
  const { directory, base } = splitPath(path);
  return { directory, name: base };
}

/** What is more than its content is left out of a tree; where it is all that was named, nothing would be copied. @throws conflict */
export function assertHasContent({ kind }: Found, where: string): void {
  if (kind === 'file' || kind === 'directory' || kind === 'symlink') return;
  throw new FsbError('conflict', `cannot copy ${printable(where)}: that is a ${kind}`, {
    hint: 'Files, directories and links are copied. What a pipe gives goes in with: fsb-ctl exec -i NAME sh -c "cat > FILE"',
  });
}

export const cannotTake = ({ path, kind }: Destination, hint: string): FsbError =>
  new FsbError('conflict', `cannot copy to ${printable(path)}: that is a ${kind}`, { hint });
