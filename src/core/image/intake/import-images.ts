import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { eachAbortable } from '../../model/async/abortable.ts';
import { FsbError, recoded, throwIfAborted } from '../../model/failure/errors.ts';
import type { ImportRequest, RootfsTerms } from '../../model/image/image-requests.ts';
import type { Platform } from '../../model/image/platform.ts';
import type { LayerProgress } from '../../model/image/pull.ts';
import { HOST_IMAGE, parseReference } from '../../model/image/reference.ts';
import { openArchive, readArchive } from '../archive/read-archive.ts';
import { readRootfs } from '../archive/read-rootfs.ts';
import type { ImageRecord } from '../content/image-records.ts';
import { whileRoom } from '../content/room.ts';
import { type NamedImage, nameImages } from '../names/image-names.ts';
import { type Intake, ingestImages, isHere, progressOf } from './ingest.ts';
import { importError } from './intake-error.ts';
import { recordOf } from './new-record.ts';
import { pacedLayers } from './paced-layers.ts';

export interface ImportGround {
  intake: Intake;
  /** Of the machine. */
  platform: Platform;
  /** As ImportOptions.onLayer. */
  onLayer?: (layer: LayerProgress) => void;
}

export interface ImportedRecord {
  record: ImageRecord;
  /** As ImportedImage.loaded. */
  loaded: string[];
}

/** As ImageApi.import; a path is absolute. @returns in the order of the file */
export async function importImages(
  { source, name, rootfs }: ImportRequest,
  ground: ImportGround,
  signal: AbortSignal,
): Promise<ImportedRecord[]> {
  throwIfAborted(signal);
  if (name !== undefined && name !== HOST_IMAGE) parseReference(name);
  if (rootfs && name === undefined)
    throw new FsbError('invalid_argument', 'a root file system needs a name for its image', {
      hint: 'Give it one: --name NAME, or NAME behind the file.',
    });
  if ('path' in source && !isAbsolute(source.path))
    throw new FsbError('invalid_argument', `cannot import ${source.path}: the path is not absolute`, {
      hint: 'The core has a working directory of its own: name the file from the root directory on.',
    });
  const what = 'path' in source ? `cannot import ${source.path}` : 'cannot import the image';
  try {
    return await onFile(source, ground.intake.content.staging, signal, (path) =>
      rootfs ? importRootfs(path, name!, rootfs, ground, signal) : importArchive(path, name, ground, signal),
    );
  } catch (error) {
    // Whoever named the file chose the image in it, too.
    throw importError(recoded(error, 'image_not_found', 'invalid_argument'), what, signal);
  }
}

/** What comes as bytes lies in a file for as long as the work goes: there is no way to seek in a stream. */
async function onFile<T>(
  source: ImportRequest['source'],
  staging: string,
  signal: AbortSignal,
  work: (path: string) => Promise<T>,
): Promise<T> {
  if ('path' in source) return work(source.path);
  const path = join(staging, `upload-${crypto.randomUUID()}`);
  try {
    // Whoever sends it may have stopped, and pipeline() alone would wait for the next piece for ever.
    const content = whileRoom(eachAbortable(source.content, signal), staging);
    await pipeline(content, createWriteStream(path, { flags: 'wx', mode: 0o600 }), { signal });
    return await work(path);
  } finally {
    await rm(path, { force: true });
  }
}

async function importArchive(
  path: string,
  name: string | undefined,
  ground: ImportGround,
  signal: AbortSignal,
): Promise<ImportedRecord[]> {
  const source = await openArchive(path, ground.intake.content.staging, signal);
  try {
    return await ingest(nameImages(await readArchive(source, ground.platform), name), ground, signal);
  } finally {
    await source.close();
  }
}

async function importRootfs(
  path: string,
  name: string,
  terms: RootfsTerms,
  ground: ImportGround,
  signal: AbortSignal,
): Promise<ImportedRecord[]> {
  return ingest(nameImages([await readRootfs(path, terms, ground.platform, signal)], name), ground, signal);
}

async function ingest(
  named: NamedImage[],
  { intake, onLayer = () => {} }: ImportGround,
  signal: AbortSignal,
): Promise<ImportedRecord[]> {
  const tell = pacedLayers(onLayer, intake.clock);
  for (const { image } of named) {
    const here = isHere(image, intake);
    for (const layer of image.layers)
      tell(here ? progressOf(layer, 'present', layer.size) : progressOf(layer, 'waiting'));
  }
  try {
    const records = await ingestImages(named, intake, { onLayer: tell }, signal);
    return records.map((record, index) => ({ record, loaded: named[index]!.references }));
  } catch (error) {
    // Nothing is gained by keeping what came, as it is for a pull: whoever tries again has the file.
    // What cannot be removed now is a leftover, and says nothing of why the import failed.
    for (const one of named) await intake.content.drop(recordOf(one, 0)).catch(() => {});
    throw error;
  }
}
