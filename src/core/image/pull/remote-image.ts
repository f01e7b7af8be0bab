import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { FsbError } from '../../model/errors.ts';
import type { Platform } from '../../model/platform.ts';
import type { ImageReference } from '../../model/reference.ts';
import { LARGEST_DOCUMENT } from '../archive/source.ts';
import { digestOf } from '../bytes/digester.ts';
import { verified } from '../bytes/verify.ts';
import type { BlobStore } from '../content/blob-store.ts';
import { type Descriptor, indexSchema, LARGEST_CONFIGURATION, parseDocument } from '../format/documents.ts';
import { readManifest } from '../format/envelope.ts';
import { isIndexType, isManifestType, OCI_INDEX, OCI_MANIFEST } from '../format/media-types.ts';
import { chooseManifest } from '../format/platform-choice.ts';
import { type FoundImage, foundImage, type ImageDocument, type LayerSource } from '../intake/found-image.ts';
import type { ReadOptions, RemoteManifest, RemoteRepository } from '../registry/registries.ts';

export interface RemoteSource {
  repository: RemoteRepository;
  /** Documents that are here are not asked for again. */
  blobs: BlobStore;
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
  const meant = reference.digest ?? reference.tag!;
  const top = asTyped(await source.repository.manifest(meant, source.options));
  const manifest = isIndexType(top.mediaType) ? await manifestIn(source, top, wanted) : top;
  return { digest: top.digest, image: await readImage(source, manifest, wanted) };
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
  const body = await keptBody(source, digest);
  if (body !== undefined) return asTyped({ digest, mediaType, body });
  return asTyped(await source.repository.manifest(digest, source.options));
}

async function keptBody({ blobs }: RemoteSource, digest: string): Promise<Buffer | undefined> {
  const path = blobs.pathOf(digest);
  if (path === undefined || blobs.sizeOf(digest) > LARGEST_DOCUMENT) return undefined;
  // It may be removed at this very moment, and what a damaged disk gives is no answer.
  const body = await readFile(path).catch(() => undefined);
  return body !== undefined && digestOf(body) === digest ? body : undefined;
}

/** A registry may call a manifest anything; the document itself says what it is. */
function asTyped({ digest, mediaType, body }: RemoteManifest): ImageDocument {
  const type = mediaType.split(';')[0]!.trim();
  if (isIndexType(type) || isManifestType(type)) return { digest, mediaType: type, body };
  const said = membersOf(body, digest);
  if (said.schemaVersion === 1)
    throw new FsbError('unsupported', 'it is an image of the first schema, which registries gave up', {
      hint: 'Push it again with a docker of 1.10 or later.',
    });
  return { digest, mediaType: typeIn(said, type), body };
}

function typeIn(said: Record<string, unknown>, type: string): string {
  const own = said.mediaType;
  if (typeof own === 'string' && (isIndexType(own) || isManifestType(own))) return own;
  if (Array.isArray(said.manifests)) return OCI_INDEX;
  if (typeof said.config === 'object' && said.config !== null) return OCI_MANIFEST;
  throw new FsbError('invalid_argument', `it is no container image but of type ${type || 'unknown'}`);
}

function membersOf(body: Buffer, digest: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(body.toString());
    if (typeof json === 'object' && json !== null) return json as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new FsbError('invalid_argument', `the manifest ${digest} is not a JSON object`);
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
