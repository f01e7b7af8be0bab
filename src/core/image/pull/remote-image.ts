import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { FsbError } from '../../model/failure/errors.ts';
import type { Platform } from '../../model/image/platform.ts';
import type { ImageReference } from '../../model/image/reference.ts';
import { LARGEST_DOCUMENT } from '../archive/source.ts';
import { digestOf } from '../bytes/digester.ts';
import { verified } from '../bytes/verify.ts';
import type { BlobStore } from '../content/blob-store.ts';
import { type Descriptor, indexSchema, LARGEST_CONFIGURATION, parseDocument } from '../format/documents.ts';
import { readManifest } from '../format/envelope.ts';
import { type FoundImage, foundImage, type ImageDocument, type LayerSource } from '../format/found-image.ts';
import { manifestTypeOf } from '../format/manifest-type.ts';
import { isIndexType } from '../format/media-types.ts';
import { chooseManifest } from '../format/platform-choice.ts';
import type { ReadOptions, RemoteRepository } from '../registry/registries.ts';

export interface RemoteSource {
  repository: RemoteRepository;
  /** Documents that are here are not asked for again. */
  blobs: BlobStore;
  /** An image of this repository is here: it may be the one that is meant. */
  mayBeHere: boolean;
  options: Omit<ReadOptions, 'offset'>;
}

/**
 * What a reference means in its repository, for a platform.
 * @returns with the digest of the reference, maybe of an index
 * @throws image_not_found, unauthenticated, denied, unavailable, invalid_argument
 */
export async function findRemoteImage(
  source: RemoteSource,
  reference: ImageReference,
  wanted: Platform,
): Promise<{ digest: string; image: FoundImage }> {
  const top = await topDocument(source, reference.digest ?? reference.tag!);
  if (!isIndexType(top.mediaType)) return { digest: top.digest, image: await readImage(source, top, wanted) };
  const image = await readImage(source, await manifestIn(source, top, wanted), wanted);
  return { digest: top.digest, image: { ...image, index: top } };
}

/** Registries count who asks for manifests, and not who asks whether one has changed. */
async function topDocument(source: RemoteSource, meant: string): Promise<ImageDocument> {
  const { repository, options } = source;
  const digest = source.mayBeHere ? await repository.digestOf(meant, options) : undefined;
  const kept = digest === undefined ? undefined : await keptDocument(source, digest, '');
  return kept ?? repository.manifest(meant, options);
}

async function manifestIn(
  source: RemoteSource,
  top: ImageDocument,
  wanted: Platform,
): Promise<ImageDocument> {
  const index = parseDocument(indexSchema, top.body, `the index ${top.digest}`);
  const chosen = await chooseManifest(
    index.manifests,
    wanted,
    async (nested) => (await documentBy(source, nested)).body,
  );
  return documentBy(source, chosen);
}

async function documentBy(source: RemoteSource, { digest, mediaType }: Descriptor): Promise<ImageDocument> {
  const kept = await keptDocument(source, digest, mediaType);
  return kept ?? source.repository.manifest(digest, source.options);
}

/** @param said its type, as whoever names it says; may be empty */
async function keptDocument(
  source: RemoteSource,
  digest: string,
  said: string,
): Promise<ImageDocument | undefined> {
  const body = await keptBody(source, digest);
  return body && { digest, mediaType: manifestTypeOf(body, said), body };
}

async function keptBody({ blobs }: RemoteSource, digest: string): Promise<Buffer | undefined> {
  const path = blobs.pathOf(digest);
  if (path === undefined || blobs.sizeOf(digest) > LARGEST_DOCUMENT) return undefined;
  // It may be removed at this very moment, and what a damaged disk gives is no answer.
  const body = await readFile(path).catch(() => undefined);
  return body !== undefined && digestOf(body) === digest ? body : undefined;
}

async function readImage(
  source: RemoteSource,
  document: ImageDocument,
  wanted: Platform,
): Promise<FoundImage> {
  const manifest = readManifest(document);
  const { repository } = source;
  const layers = manifest.layers.map(
    (layer): LayerSource => ({
      ...layer,
      read: (offset, options) => repository.blob(layer, { offset, ...options }),
    }),
  );
  const { digest, mediaType } = manifest.config;
  const configuration = { digest, mediaType, body: await configurationBody(source, manifest.config) };
  return foundImage(document, configuration, layers, wanted);
}

async function configurationBody(source: RemoteSource, descriptor: Descriptor): Promise<Buffer> {
  const { digest, size } = descriptor;
  if (size > LARGEST_CONFIGURATION)
    throw new FsbError(
      'invalid_argument',
      `its configuration ${digest} has ${size} bytes, which is too large`,
    );
  const kept = await keptBody(source, digest);
  if (kept !== undefined) return kept;
  const read = (): Promise<Buffer> => {
    const content = source.repository.blob(descriptor, source.options);
    return buffer(verified(content, descriptor, `the configuration ${digest}`, source.options.signal));
  };
  // Once more: the repository passes over a mirror that gave wrong bytes.
  return read().catch((error: unknown) => {
    if (FsbError.from(error).code !== 'invalid_argument') throw error;
    return read();
  });
}
