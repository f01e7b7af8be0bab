import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { FsbError, throwIfAborted } from '../model/errors.ts';
import type { LayerStore } from './content/layer-store.ts';
import type { FoundImage, FoundLayer } from './found-image.ts';
import { decompressed } from './unpack/decompress.ts';
import { type UnpackLimits, unpackLayer } from './unpack/unpack-layer.ts';
import { verified } from './unpack/verify.ts';

/**
 * Brings the layers of an image into the store, each unpacked once and verified: the digest of its blob, and of its
 * plain tar. A layer that is here already is not read again. The caller has pinned them.
 */
export async function ingestLayers(
  image: FoundImage,
  store: LayerStore,
  limits: UnpackLimits | undefined,
  signal?: AbortSignal,
): Promise<void> {
  for (const layer of image.layers) {
    throwIfAborted(signal);
    await store.ensure(layer.diffId, (directory) => unpackVerified(layer, directory, limits, signal), signal);
  }
}

/** Layers must be on the disk before an image says that it has them: a power cut would leave empty files. */
export async function flushToDisk(directory: string): Promise<void> {
  try {
    await promisify(execFile)('sync', ['--file-system', directory]);
  } catch (cause) {
    throw new FsbError('internal', `cannot write the layers to disk: ${FsbError.from(cause).message}`, {
      cause,
    });
  }
}

async function unpackVerified(
  layer: FoundLayer,
  directory: string,
  limits: UnpackLimits | undefined,
  signal?: AbortSignal,
): Promise<number> {
  const name = `layer ${layer.diffId.slice(0, 19)}`;
  const blob = await layer.open();
  try {
    const stored = layer.blob ? verified(blob, layer.blob, `the blob of ${name}`, signal) : blob;
    const plain = verified(
      decompressed(stored, name),
      { digest: layer.diffId },
      `the unpacked ${name}`,
      signal,
    );
    return await unpackLayer(plain, directory, limits, signal);
  } finally {
    // A generator that was never started closes nothing.
    blob.destroy();
  }
}
