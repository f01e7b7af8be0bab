import { createHash } from 'node:crypto';
import { existsSync, lstatSync } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOfHex } from '../../model/image/digest.ts';
import { filteredContent, isAllowed, isWorthEntering } from './etc-files.ts';

/** Something below /etc that a `host` sandbox sees. `path` is relative to /etc. */
export type EtcEntry =
  | { kind: 'directory'; path: string; mode: number; uid: number; gid: number }
  | { kind: 'file'; path: string; mode: number; uid: number; gid: number; content: Buffer }
  | { kind: 'symlink'; path: string; target: string };

/** A directory of the root: the machine's own one, mounted below, or a link into /usr. */
type RootEntry =
  | { name: string; kind: 'overlay'; source: string }
  | { name: string; kind: 'symlink'; target: string };

export interface HostSurvey {
  etc: EtcEntry[];
  roots: RootEntry[];
  /** `sha256:...` over all of it and the state of the program directories. */
  digest: string;
  /** What the survey was made from. */
  sources: SourceStamps;
  /** Whether there is a bash to offer as the shell. */
  hasBash: boolean;
}

/** Paths, and how each was just before it was read: a change during the survey shows up afterwards. */
export class SourceStamps {
  readonly #stamps = new Map<string, string>();

  /** To be called before the path is read. */
  note(path: string): void {
    this.#stamps.set(path, stampOf(path));
  }

  /** Synchronous, because it takes 2 microseconds a path, far less than the way through the thread pool. */
  areUnchanged(): boolean {
    for (const [path, stamp] of this.#stamps) if (stampOf(path) !== stamp) return false;
    return true;
  }

  /** The same text for the same state. */
  toString(): string {
    return JSON.stringify([...this.#stamps]);
  }
}

/** Bump it when the skeleton is built in another way. */
const LAYOUT = 1;
const ROOTS = ['usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/** Their times change whenever a package comes, goes or is upgraded. */
const PROGRAM_DIRECTORIES = [
  ...['usr', 'usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64', 'usr/share', 'usr/local/bin', 'usr/local/lib'],
  ...[
    'var/lib/dpkg/status',
    'var/lib/rpm',
    'var/lib/pacman/local',
    'lib/apk/db/installed',
    'usr/lib/os-release',
  ],
];

/** Reads from the machine all that the `host` image is made of. `hostRoot` is `/`, or another root for tests. */
export async function surveyHost(hostRoot: string): Promise<HostSurvey> {
  const sources = new SourceStamps();
  for (const path of [...ROOTS, ...PROGRAM_DIRECTORIES]) sources.note(join(hostRoot, path));
  // Of /etc the content counts, not the times: a file that was touched makes no other image.
  const programs = sources.toString();
  const etc = await etcEntries(join(hostRoot, 'etc'), '', sources);
  const roots = await rootEntries(hostRoot);
  const hasBash = ['usr/bin/bash', 'bin/bash'].some((path) => existsSync(join(hostRoot, path)));
  return { etc, roots, digest: digestOfEntries(etc, roots, programs), sources, hasBash };
}

/** Inode, size, mode and time. */
function stampOf(path: string): string {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats === undefined ? '' : `${stats.dev} ${stats.ino} ${stats.size} ${stats.mode} ${stats.mtimeMs}`;
}

async function etcEntries(root: string, directory: string, sources: SourceStamps): Promise<EtcEntry[]> {
  sources.note(join(root, directory));
  const entries: EtcEntry[] = [];
  for (const name of (await readdir(join(root, directory)).catch(() => [])).sort()) {
    const path = directory === '' ? name : `${directory}/${name}`;
    const entry = await etcEntry(root, path, sources);
    if (entry === undefined) continue;
    entries.push(entry);
    if (entry.kind === 'directory') entries.push(...(await etcEntries(root, path, sources)));
  }
  return entries;
}

async function etcEntry(root: string, path: string, sources: SourceStamps): Promise<EtcEntry | undefined> {
  const absolute = join(root, path);
  if (!isWorthEntering(path)) return undefined;
  const stats = await lstat(absolute).catch(() => undefined);
  if (stats === undefined) return undefined;
  const owner = { mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid };
  if (stats.isDirectory())
    return (stats.mode & 0o005) === 0o005 ? { kind: 'directory', path, ...owner } : undefined;
  if (!isAllowed(path)) return undefined;
  if (stats.isSymbolicLink()) return { kind: 'symlink', path, target: await readlink(absolute) };
  if (!stats.isFile()) return undefined;
  sources.note(absolute);
  const content = filteredContent(path, await readFile(absolute), stats.mode);
  return content && { kind: 'file', path, ...owner, content };
}

async function rootEntries(hostRoot: string): Promise<RootEntry[]> {
  const entries: RootEntry[] = [];
  for (const name of ROOTS) {
    const source = join(hostRoot, name);
    const stats = await lstat(source).catch(() => undefined);
    if (stats?.isSymbolicLink()) entries.push({ name, kind: 'symlink', target: await readlink(source) });
    else if (stats?.isDirectory()) entries.push({ name, kind: 'overlay', source });
  }
  return entries;
}

function digestOfEntries(etc: EtcEntry[], roots: RootEntry[], programs: string): string {
  const hash = createHash('sha256').update(JSON.stringify([LAYOUT, roots, programs]));
  for (const entry of etc) {
    const { kind, path } = entry;
    if (entry.kind === 'symlink') hash.update(JSON.stringify([kind, path, entry.target]));
    else hash.update(JSON.stringify([kind, path, entry.mode, entry.uid, entry.gid]));
    if (entry.kind === 'file') hash.update(`${entry.content.length}\n`).update(entry.content);
  }
  return digestOfHex(hash.digest('hex'));
}
