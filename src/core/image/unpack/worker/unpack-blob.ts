import { createReadStream } from 'node:fs';
import { decompressed } from '../../bytes/decompress.ts';
import { verified } from '../../bytes/verify.ts';
import { whileRoom } from '../../content/room.ts';
import type { Launch } from '../../launch.ts';
import { UnpackBudget } from '../budget.ts';
import { unpackLayer } from '../unpack-layer.ts';
import type { UnpackJob } from './messages.ts';

const PIECE = 512 * 1024;

/**
 * Unpacks a layer as it came.
 * @param onProgress told how many bytes of the blob were read
 * @returns bytes of the files in it
 */
export async function unpackBlob(
  { blob, diffId, directory, devices, budget }: UnpackJob,
  launch: Launch,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<number> {
  const name = `layer ${diffId.slice(0, 19)}`;
  const file = createReadStream(blob, { highWaterMark: PIECE });
  try {
    const plain = decompressed(counted(file, onProgress), name);
    const source = verified(plain, { digest: diffId }, `the unpacked ${name}`, signal);
    return await unpackLayer(whileRoom(source, directory), directory, {
      ...{ launch, devices, signal },
      budget: new UnpackBudget(budget),
    });
  } finally {
    // A generator that was never started closes nothing.
    file.destroy();
  }
}

async function* counted(
  source: AsyncIterable<Buffer>,
  onProgress: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const piece of source) {
    bytes += piece.length;
    onProgress(bytes);
    yield piece;
  }
}
