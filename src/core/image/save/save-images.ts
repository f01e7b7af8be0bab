import { createReadStream } from 'node:fs';
import { FsbError, recoded, throwIfAborted } from '../../model/failure/errors.ts';
import { familiarName, parseReference } from '../../model/image/reference.ts';
import { tarEnd, tarPadding } from '../../tar/write-header.ts';
import { verified } from '../bytes/verify.ts';
import type { BlobStore } from '../content/blob-store.ts';
import type { ImageContent } from '../content/image-content.ts';
import type { ImageRecord } from '../content/image-records.ts';
import { OCI_INDEX } from '../format/media-types.ts';
import { tarHeader } from './tar-header.ts';

export interface SavedImage {
  record: ImageRecord;
  /** Canonical: the names that it has in the file. None for one that was asked for by its digest. */
  references: string[];
}

/**
 * One tar that is an OCI archive and, by its manifest.json, what every docker load reads. The same images give the same
 * bytes. Their blobs stay until the end, even if the images are removed meanwhile.
 * @throws unsupported before the first byte (an image without blobs), bad_image (a damaged blob); on reading
 */
export async function* saveImages(
  images: readonly SavedImage[],
  content: Pick<ImageContent, 'blobs' | 'pin'>,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const digests = [...new Set(images.flatMap(({ record }) => digestsOf(record)))].sort();
  const unpin = content.pin({ blobs: digests, layers: [] });
  try {
    yield* tarOf(images, digests, content.blobs, signal);
  } finally {
    unpin();
  }
}

async function* tarOf(
  images: readonly SavedImage[],
  digests: readonly string[],
  blobs: BlobStore,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  for (const image of images) assertWhole(image, blobs);
  yield* document('oci-layout', { imageLayoutVersion: '1.0.0' });
  yield* document('index.json', indexOf(images, blobs));
  yield* document('manifest.json', images.map(dockerEntry));
  for (const directory of ['blobs/', 'blobs/sha256/']) yield tarHeader(directory, 0);
  for (const digest of digests) yield* blob(digest, blobs, signal);
  yield tarEnd();
}

const digestsOf = ({ digest, configDigest, layers }: ImageRecord): string[] => [
  digest,
  configDigest,
  ...layers.map((layer) => layer.digest),
];

function assertWhole({ record, references }: SavedImage, blobs: BlobStore): void {
  if (digestsOf(record).every((digest) => digest !== '' && blobs.pathOf(digest) !== undefined)) return;
  const name = references[0] === undefined ? record.digest : familiarName(references[0]);
  throw new FsbError('unsupported', `cannot save image ${name}: it is not here as it came, only unpacked`, {
    hint: 'An earlier version brought it in. Pull or import it again.',
  });
}

interface IndexEntry {
  mediaType: string;
  digest: string;
  size: number;
  platform: { architecture: string; os: string; variant?: string };
  annotations?: Record<string, string>;
}

function indexOf(images: readonly SavedImage[], blobs: BlobStore): object {
  const manifests: IndexEntry[] = images.flatMap(({ record, references }) => {
    const { mediaType, digest, architecture, variant } = record;
    const platform = { architecture, os: 'linux', ...(variant !== '' && { variant }) };
    const entry: IndexEntry = { mediaType, digest, size: blobs.sizeOf(digest), platform };
    if (references.length === 0) return [entry];
    return references.map((name) => ({ ...entry, annotations: annotationsOf(name) }));
  });
  return { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
}

/** Skopeo and podman look for the tag, containerd and docker for the whole name. */
function annotationsOf(name: string): Record<string, string> {
  const { tag } = parseReference(name);
  return {
    'io.containerd.image.name': name,
    ...(tag !== undefined && { 'org.opencontainers.image.ref.name': tag }),
  };
}

const dockerEntry = ({ record, references }: SavedImage): object => ({
  Config: blobName(record.configDigest),
  RepoTags: references.filter((name) => !name.includes('@')).map(familiarName),
  Layers: record.layers.map(({ digest }) => blobName(digest)),
});

const blobName = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

function* document(name: string, content: object): Generator<Buffer> {
  const body = Buffer.from(JSON.stringify(content));
  yield tarHeader(name, body.length);
  yield body;
  yield tarPadding(body.length);
}

async function* blob(digest: string, blobs: BlobStore, signal?: AbortSignal): AsyncGenerator<Buffer> {
  throwIfAborted(signal);
  const size = blobs.sizeOf(digest);
  const content = createReadStream(blobs.pathOf(digest)!);
  yield tarHeader(blobName(digest), size);
  try {
    // Somebody will trust what is in the file: a damaged disk is told here.
    yield* verified(content as AsyncIterable<Buffer>, { digest, size }, `blob ${digest}`, signal);
  } catch (error) {
    throw recoded(error, 'invalid_argument', 'bad_image', 'Pull or import the image again.');
  } finally {
    content.destroy();
  }
  yield tarPadding(size);
}
