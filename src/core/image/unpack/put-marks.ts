import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { FsbError, throwIfAborted } from '../../model/errors.ts';
import { hasStreams, notStarted } from '../../model/has-streams.ts';
import { endOfMarks } from './marks.ts';

/** Of marks in one piece on their way. */
const PIECE = 256 * 1024;

/**
 * Puts marks on a layer by `fsb-launch mark`: Node can neither make a device nor set an extended attribute. No process
 * when there are none.
 * @param launchBinary guest/build/fsb-launch
 * @param marks from marksOf()
 * @throws unsupported (not root, no such file system), no_capacity, invalid_argument
 */
export async function putMarks(
  launchBinary: string,
  root: string,
  marks: Iterable<Buffer>,
  signal?: AbortSignal,
): Promise<void> {
  const pieces = inPieces(marks);
  const first = pieces.next();
  if (first.done) return;
  throwIfAborted(signal);
  const child = spawn(launchBinary, ['mark', root], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { LC_ALL: 'C' },
  });
  const exited = once(child, 'close') as Promise<[number | null]>;
  if (!hasStreams(child)) await notStarted(exited, launchBinary);
  const kill = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', kill, { once: true });
  const [fed, complaint, status] = await Promise.allSettled([
    pipeline(Readable.from(thenEnd(first.value, pieces), { objectMode: false }), child.stdin),
    text(child.stderr),
    exited,
  ]);
  signal?.removeEventListener('abort', kill);
  throwIfAborted(signal);
  if (fed.status === 'fulfilled' && status.status === 'fulfilled' && status.value[0] === 0) return;
  const said = complaint.status === 'fulfilled' ? complaint.value.trim() : '';
  const failure = [status, fed].find((result) => result.status === 'rejected');
  throw markError(said.replace(/^fsb-launch: /, '') || String(failure?.reason ?? 'fsb-launch failed'));
}

function* thenEnd(first: Buffer, rest: Iterable<Buffer>): Generator<Buffer> {
  yield first;
  yield* rest;
  yield endOfMarks();
}

function* inPieces(marks: Iterable<Buffer>): Generator<Buffer, undefined> {
  let piece: Buffer[] = [];
  let size = 0;
  for (const mark of marks) {
    piece.push(mark);
    size += mark.length;
    if (size < PIECE) continue;
    yield Buffer.concat(piece);
    piece = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(piece);
  return undefined;
}

function markError(why: string): FsbError {
  if (/: (No space left on device|Disk quota exceeded)$/.test(why))
    return new FsbError('no_capacity', `cannot finish its files: ${why}`, {
      hint: 'Free room on the disk; an extended attribute may also be too large for its file system.',
    });
  // One odd attribute: what the machine is or may do would not have changed it.
  if (/^set attribute .*: (Invalid argument|Permission denied)$/s.test(why))
    return new FsbError('invalid_argument', `it has an attribute that the kernel refuses: ${why}`, {
      hint: 'Rebuild the image without it.',
    });
  if (/: (File name too long|Argument list too long|Numerical result out of range)$/.test(why))
    return new FsbError('invalid_argument', `it has what the file system does not take: ${why}`);
  return new FsbError('unsupported', `cannot finish its files: ${why}`, {
    hint: 'This needs root, and a file system with extended attributes (ext4, xfs, btrfs).',
  });
}
