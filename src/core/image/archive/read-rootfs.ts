import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import type { RootfsTerms } from '../../model/image/image-requests.ts';
import { type Platform, parsePlatform } from '../../model/image/platform.ts';
import { compressionOf, decompressed } from '../bytes/decompress.ts';
import { Digester } from '../bytes/digester.ts';
import { documentOf, type FoundImage, foundImage, manifestOf } from '../format/found-image.ts';
import { OCI_CONFIGURATION, OCI_MANIFEST } from '../format/media-types.ts';
import { assertNoImageFile } from './mistaken-file.ts';
import { layerType } from './read-docker-save.ts';
import { configOfChanges, type RootfsConfig } from './rootfs-changes.ts';

/**
 * An image of one layer, which is the whole of a tar. The same tar and terms give the same digest, so no time is in it.
 * @throws invalid_argument, not_found
 */
export async function readRootfs(
  path: string,
  terms: RootfsTerms,
  machine: Platform,
  signal?: AbortSignal,
): Promise<FoundImage> {
  const config = configOfChanges(terms.changes);
  const platform = terms.platform === undefined ? machine : parsePlatform(terms.platform);
  const mediaType = await layerTypeOf(path);
  await assertNoImageFile(path);
  const { digest, diffId, size } = await hashBoth(path, signal);
  const configuration = documentOf(OCI_CONFIGURATION, configurationOf(platform, config, diffId));
  const layer = { digest, mediaType, size, read: (offset: number) => readFile(path, offset) };
  const manifest = manifestOf(OCI_MANIFEST, configuration, [layer]);
  return foundImage(manifest, configuration, [layer], platform);
}

function configurationOf(platform: Platform, config: RootfsConfig, diffId: string): Buffer {
  const { os, architecture, variant } = platform;
  const document = {
    architecture,
    ...(variant !== undefined && { variant }),
    os,
    config,
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ comment: 'imported from a tar of a root file system' }],
  };
  return Buffer.from(JSON.stringify(document));
}

async function layerTypeOf(path: string): Promise<string> {
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new FsbError('not_found', 'there is no such file');
    throw error;
  });
  if (!stats.isFile())
    throw new FsbError('invalid_argument', 'it is no file', {
      hint: 'Give a tar of a root file system: tar -C DIRECTORY -cf FILE .',
    });
  if (stats.size === 0) throw new FsbError('invalid_argument', 'it is empty');
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(6), 0, 6, 0);
    const start = buffer.subarray(0, bytesRead);
    refuseOthers(start);
    return layerType(compressionOf(start));
  } finally {
    await file.close();
  }
}

/** Images have no layers of these kinds, and what came is kept as it came. */
function refuseOthers(start: Buffer): void {
  const kind =
    start.subarray(1, 5).toString() === '7zXZ'
      ? 'xz'
      : start.subarray(0, 3).toString() === 'BZh'
        ? 'bzip2'
        : '';
  if (kind !== '')
    throw new FsbError('unsupported', `it is compressed with ${kind}`, {
      hint: `Decompress it first: ${kind} -d FILE`,
    });
}

interface Hashes {
  digest: string;
  diffId: string;
  /** Bytes as it came. */
  size: number;
}

async function hashBoth(path: string, signal?: AbortSignal): Promise<Hashes> {
  const outer = new Digester();
  const inner = new Digester();
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of readFile(path, 0)) {
      throwIfAborted(signal);
      outer.add(chunk);
      yield chunk;
    }
  }
  for await (const chunk of decompressed(counted(), 'the file')) inner.add(chunk);
  return { digest: outer.digest(), diffId: inner.digest(), size: outer.size };
}

async function* readFile(path: string, offset: number): AsyncGenerator<Buffer> {
  const content = createReadStream(path, { start: offset });
  try {
    yield* content as AsyncIterable<Buffer>;
  } finally {
    content.destroy();
  }
}
