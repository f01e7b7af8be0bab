import { resolve } from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { throwIfAborted } from '../model/errors.ts';
import type { ImportRequest } from '../model/image-requests.ts';
import type { Platform } from '../model/platform.ts';
import { HOST_IMAGE, parseReference } from '../model/reference.ts';
import { openArchive, readArchive } from './archive/read-archive.ts';
import type { ImageContent } from './content/image-content.ts';
import type { ImageRecord } from './content/image-records.ts';
import { type NamedImage, nameImages } from './image-names.ts';
import { importError } from './import-error.ts';
import { flushToDisk, ingestLayers } from './ingest.ts';
import type { Publisher } from './publisher.ts';
import type { UnpackLimits } from './unpack/unpack-layer.ts';

export interface ImportGround {
  content: ImageContent;
  platform: Platform;
  limits?: UnpackLimits;
  clock: Clock;
  log: Logger;
  publisher: Publisher;
}

/** Brings in the images of a file. */
export async function importImages(
  { source: from, name }: ImportRequest,
  ground: ImportGround,
  signal: AbortSignal,
): Promise<ImageRecord[]> {
  const path = resolve('path' in from ? from.path : '');
  throwIfAborted(signal);
  if (name !== undefined && name !== HOST_IMAGE) parseReference(name);
  try {
    const source = await openArchive(path, ground.content.staging, signal);
    try {
      return await ingest(nameImages(await readArchive(source, ground.platform), name), ground, signal);
    } finally {
      await source.close();
    }
  } catch (error) {
    throw importError(error, path, signal);
  }
}

async function ingest(
  named: NamedImage[],
  { content, limits, clock, log, publisher }: ImportGround,
  signal: AbortSignal,
): Promise<ImageRecord[]> {
  const layers = new Set(named.flatMap(({ image }) => image.layers.map(({ diffId }) => diffId)));
  const here = [...layers].filter((diffId) => content.layers.pathOf(diffId) !== undefined);
  const unpin = content.pin({ blobs: [], layers });
  let published = false;
  try {
    for (const { image } of named) await ingestLayers(image, content.layers, limits, signal);
    await flushToDisk(content.root);
    throwIfAborted(signal);
    await publisher.publish(named.map((one) => recordOf(one, clock)));
    published = true;
  } finally {
    unpin();
    // Nothing is gained by keeping it: the file is here.
    if (!published) await content.dropLayers([...layers].filter((diffId) => !here.includes(diffId)));
  }
  log.info({ images: named.flatMap(({ references }) => references) }, 'images imported');
  return named.map(({ image }) => content.records.get(image.digest)!);
}

const recordOf = ({ image, references }: NamedImage, clock: Clock): ImageRecord => ({
  digest: image.digest,
  references,
  config: image.config,
  layers: image.layers.map(({ diffId }) => ({ digest: '', diffId, mediaType: '', size: 0 })),
  ...{ mediaType: '', configDigest: '', repoDigests: [], variant: '', createdAt: 0 },
  architecture: image.architecture,
  importedAt: clock.now(),
});
