import { statfs } from 'node:fs/promises';
import { FsbError } from '../../model/failure/errors.ts';
import { formatSize } from '../../model/quantity.ts';

/** Of a file system, what images leave to others: this many bytes, or this part of a small one. */
const LEFT_TO_OTHERS = 256 * 1024 ** 2;
const PART = 1 / 32;
/** Files, which some file systems have a fixed number of. */
const FILES_LEFT = 10_000;

/** Not more bytes than this come between two looks, each of which is a turn through Node's thread pool. */
const BETWEEN = 4 * 1024 ** 2;
/** Nor more than this part of what there is: others write, too, and a small file takes more room than it has bytes. */
const SHARE = 1 / 16;

/** There is some room, but others need it. */
export class NoRoom extends FsbError {
  constructor(message: string) {
    super('no_capacity', message, {
      hint: 'Free room on it, or remove what nothing uses: fsb-ctl image prune',
    });
  }
}

/**
 * @param directory on the file system that is to take so many bytes more
 * @returns bytes that it could take beside them
 * @throws NoRoom when hardly anything would be left on it; the records of sandboxes and logs need a place, too
 */
export async function assertRoom(directory: string, bytes = 0): Promise<number> {
  const { blocks, bavail, bsize, files, ffree } = await statfs(directory);
  if (files > 0 && ffree < Math.min(FILES_LEFT, files * PART))
    throw new NoRoom(`only ${ffree} more files would be left to the disk`);
  // A file system without blocks, or files, does not count them.
  if (blocks === 0) return Number.POSITIVE_INFINITY;
  const reserved = Math.min(LEFT_TO_OTHERS, Math.floor(blocks * bsize * PART));
  const left = Math.max(bavail * bsize - bytes, 0);
  if (left >= reserved) return left - reserved;
  throw new NoRoom(
    `only ${formatSize(left)} would be left on the disk, and ${formatSize(reserved)} are to stay free`,
  );
}

/** Passes bytes on that are written to a directory, as long as there is room for more. @throws NoRoom */
export async function* whileRoom(source: AsyncIterable<Buffer>, directory: string): AsyncGenerator<Buffer> {
  let untilLook = 0;
  for await (const chunk of source) {
    if (untilLook <= 0) untilLook = Math.min(BETWEEN, SHARE * (await assertRoom(directory)));
    untilLook -= chunk.length;
    yield chunk;
  }
}
