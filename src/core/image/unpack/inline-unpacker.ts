import { createReadStream } from 'node:fs';
import { Turns } from '../turns.ts';
import { decompressed } from './decompress.ts';
import { unpackLayer } from './unpack-layer.ts';
import type { Unpacker, UnpackRequest } from './unpacker.ts';
import { verified } from './verify.ts';

/** Stands in for the unpacker with threads. */
export function createInlineUnpacker(): Unpacker {
  const turns = new Turns(2);
  return {
    unpack: (request, signal) => turns.take(() => unpack(request, signal), signal),
    close: async () => undefined,
  };
}

async function unpack(
  { blob, diffId, directory, limits }: UnpackRequest,
  signal?: AbortSignal,
): Promise<number> {
  const name = `layer ${diffId.slice(0, 19)}`;
  const content = createReadStream(blob);
  try {
    const plain = verified(decompressed(content, name), { digest: diffId }, `the unpacked ${name}`, signal);
    return await unpackLayer(plain, directory, limits, signal);
  } finally {
    content.destroy();
  }
}
