import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { FsbError, throwIfAborted } from '../../model/errors.ts';
import type { ImportRequest, RootfsTerms } from '../../model/image-requests.ts';
import type { Platform } from '../../model/platform.ts';
import { HOST_IMAGE, parseReference } from '../../model/reference.ts';
import { openArchive, readArchive } from '../archive/read-archive.ts';
import { readRootfs } from '../archive/read-rootfs.ts';
import type { ImageRecord } from '../content/image-records.ts';
import { whileRoom } from '../content/room.ts';
import { type NamedImage, nameImages } from '../names/image-names.ts';
import { type Intake, ingestImages } from './ingest.ts';
import { importError } from './intake-error.ts';
import { recordOf } from './new-record.ts';

export interface ImportGround {
  intake: Intake;
  /** Of the machine. */
  platform: Platform;
}

/** As ImageApi.import; a path is absolute. @returns in the order of the file */
export async function importImages(
  { source, name, rootfs }: ImportRequest,
  ground: ImportGround,
  signal: AbortSignal,
): Promise<ImageRecord[]> {
  throwIfAborted(signal);
  if (name !== undefined && name !== HOST_IMAGE) parseReference(name);
  if (rootfs && name === undefined)
    throw new FsbError('invalid_argument', 'a root file system needs a name for its image', {
      hint: 'Give it one behind the file.',
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
    throw importError(error, what, signal);
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
    const content = whileRoom(source.content, staging);
    await pipeline(content, createWriteStream(path, { flags: 'wx', mode: 0o600 }), { signal });
    return await work(path);
  } finally {
    await rm(path, { force: true });
  }
}

async function importArchive(
  path: string,
  name: string | undefined,
  { intake, platform }: ImportGround,
  signal: AbortSignal,
): Promise<ImageRecord[]> {
  const source = await openArchive(path, intake.content.staging, signal);
  try {
    return await ingest(nameImages(await readArchive(source, platform), name), intake, signal);
  } finally {
    await source.close();
  }
}

async function importRootfs(
  path: string,
  name: string,
  terms: RootfsTerms,
  { intake, platform }: ImportGround,
  signal: AbortSignal,
): Promise<ImageRecord[]> {
  return ingest(nameImages([await readRootfs(path, terms, platform, signal)], name), intake, signal);
}

async function ingest(named: NamedImage[], intake: Intake, signal: AbortSignal): Promise<ImageRecord[]> {
  try {
    return await ingestImages(named, intake, {}, signal);
  } catch (error) {
    // Nothing is gained by keeping what came, as it is for a pull: whoever tries again has the file.
    // What cannot be removed now is a leftover, and says nothing of why the import failed.
    for (const one of named) await intake.content.drop(recordOf(one, 0)).catch(() => {});
    throw error;
  }
}
