import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { FsbError } from '../../model/failure/errors.ts';
import type { Launch } from '../launch.ts';
import { endOfMarks } from './marks.ts';

/** Of marks that are written at once. */
const PIECE = 256 * 1024;
/** A layer may have a million of them. */
const TIMEOUT_MS = 60 * 60 * 1000;

/**
 * Puts marks on a layer by `fsb-launch mark`: Node can neither make a device nor set an extended attribute. No process
 * when there are none. They lie in `<root>.marks` meanwhile.
 * @param marks from marksOf()
 * @throws unsupported (not root, no such file system), no_capacity, invalid_argument
 */
export async function putMarks(
  launch: Launch,
  root: string,
  marks: Iterable<Buffer>,
  signal?: AbortSignal,
): Promise<void> {
  const pieces = inPieces(marks);
  const first = pieces.next();
  if (first.done) return;
  const file = `${root}.marks`;
  try {
    writePieces(file, first.value, pieces);
    const { code, stderr } = await launch(['mark', root, file], { timeoutMs: TIMEOUT_MS, signal });
    if (code !== 0) throw markError(stderr.trim().replace(/^fsb-launch: /, '') || 'fsb-launch failed');
  } finally {
    rmSync(file, { force: true });
  }
}

function writePieces(path: string, first: Buffer, rest: Iterable<Buffer>): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    for (const piece of thenEnd(first, rest))
      for (let done = 0; done < piece.length; ) done += writeSync(file, piece, done);
  } finally {
    closeSync(file);
  }
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
