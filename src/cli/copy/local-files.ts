import { type BigIntStats, lstatSync, readlinkSync, type Stats, statfsSync, statSync } from 'node:fs';
import { type ErrorCode, FsbError } from '../../core/model/failure/errors.ts';
import { fsPath, shown } from '../../core/tar/byte-path.ts';
import type { ByteText } from '../../core/tar/entry.ts';
import { printable } from '../output/output.ts';
import { cannotTake, type Destination, type Found, findDestination, type Kind } from './plan.ts';

/** What is at a path here. @throws conflict, denied and the like; undefined: nothing */
export async function lookLocally(path: string, follow = false): Promise<Found | undefined> {
  try {
    const stats = (follow ? statSync : lstatSync)(path);
    const kind = kindOf(stats);
    if (kind === 'file') return { kind, size: stats.size };
    return { kind, ...(kind === 'symlink' && { target: readlinkSync(path) }) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError('look at', path, error);
  }
}

/** As `findDestination`, and through what only the kernel follows: /dev/stdout, when that is a pipe. @throws conflict */
export async function findLocally(path: string): Promise<Destination> {
  const found = await findDestination(path, lookLocally);
  const reached = found.kind === undefined ? await lookLocally(path, true) : undefined;
  const destination = reached === undefined ? found : { path, kind: reached.kind };
  if (['fifo', 'socket', 'device'].includes(destination.kind ?? ''))
    throw cannotTake(destination, 'Name a file or a directory, or - to get a tar on standard output.');
  return destination;
}

export function kindOf(stats: Stats | BigIntStats): Kind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isFIFO()) return 'fifo';
  return stats.isSocket() ? 'socket' : 'device';
}

/** Of proc, sysfs, both cgroups and devpts, in linux/magic.h; those of fsb-init, too. */
const MADE_UP = [0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x1cd1];

/** The kernel makes up what is in it as it is read: its size is not that of its content. */
export const isMadeUp = (path: ByteText): boolean =>
  MADE_UP.includes(attempt('look at', path, (at) => statfsSync(at).type));

const CODES: Record<string, [ErrorCode, string]> = {
  ENOENT: ['not_found', 'there is no such file or directory'],
  ENOTDIR: ['conflict', 'something on the way is no directory'],
  ELOOP: ['conflict', 'something on the way is a symbolic link'],
  EISDIR: ['conflict', 'it is a directory'],
  EACCES: ['denied', 'permission denied'],
  EPERM: ['denied', 'operation not permitted'],
  EROFS: ['denied', 'the file system is read-only'],
  ENOSPC: ['no_capacity', 'the disk is full'],
  EDQUOT: ['no_capacity', 'the disk quota is used up'],
  ENAMETOOLONG: ['invalid_argument', 'the name is too long'],
};

/** An error of Node's file system, as people want to read it; every other one as it is. */
export function fileError(what: string, path: string, error: unknown): FsbError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (error instanceof FsbError) return error;
  // Without the call and the path, which is not the one that people know.
  const [mapped, why] = CODES[code] ?? ['internal', message.replace(/, \w+( '.*)?$/s, '')];
  return new FsbError(mapped, `cannot ${what} ${printable(path)}: ${why}`, { cause: error });
}

/** Does it, and says what it was about when it fails. */
export const attempt = <T>(what: string, path: ByteText, act: (path: string | Buffer) => T): T =>
  attemptOn(what, shown(path), () => act(fsPath(path)));

/** The same for what is known to people by a name of its own. */
export function attemptOn<T>(what: string, name: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw fileError(what, name, error);
  }
}
