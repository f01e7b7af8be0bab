import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { FsbError, throwIfAborted } from '../model/errors.ts';
import type { LayerStore } from './content/layer-store.ts';
import type { FoundImage, FoundLayer } from './found-image.ts';
import type { UnpackLimits } from './unpack/unpack-layer.ts';
import type { Unpacker } from './unpack/unpacker.ts';
import { verified } from './unpack/verify.ts';

export interface IngestOptions {
  unpacker: Unpacker;
  limits?: UnpackLimits;
  signal?: AbortSignal;
}

/**
 * Brings the layers of an image into the store, each unpacked once and verified: the digest of its blob, and of its
 * plain tar. A layer that is here already is not read again. The caller has pinned them.
 */
export async function ingestLayers(
  image: FoundImage,
  store: LayerStore,
  options: IngestOptions,
): Promise<void> {
  const { signal } = options;
  for (const layer of image.layers) {
    throwIfAborted(signal);
    await store.ensure(layer.diffId, (directory) => unpackVerified(layer, directory, options), signal);
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

async function unpackVerified(layer: FoundLayer, directory: string, how: IngestOptions): Promise<number> {
  const name = `layer ${layer.diffId.slice(0, 19)}`;
  const source = await layer.open();
  // Beside the layer that it becomes, so that a crash leaves neither.
  const blob = join(dirname(directory), 'blob');
  try {
    const stored = layer.blob ? verified(source, layer.blob, `the blob of ${name}`, how.signal) : source;
    await pipeline(stored, createWriteStream(blob), { signal: how.signal });
    const { diffId } = layer;
    return await how.unpacker.unpack({ blob, diffId, directory, limits: how.limits }, how.signal);
  } finally {
    // A generator that was never started closes nothing.
    source.destroy();
    await rm(blob, { force: true });
  }
}
