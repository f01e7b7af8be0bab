import { buffer } from 'node:stream/consumers';
import { FsbError } from '../../model/failure/errors.ts';
import type { Platform } from '../../model/image/platform.ts';
import { verified } from '../bytes/verify.ts';
import { type Descriptor, indexSchema, parseDocument } from '../format/documents.ts';
import { readManifest } from '../format/envelope.ts';
import { type FoundImage, foundImage, type ImageDocument } from '../format/found-image.ts';
import { OCI_MANIFEST } from '../format/media-types.ts';
import { chooseManifest, findManifest, isAttestation, otherPlatform } from '../format/platform-choice.ts';
import { type ArchiveSource, LARGEST_DOCUMENT, readDocument, readFrom } from './source.ts';

const FULL_NAME = 'io.containerd.image.name';
const REF_NAME = 'org.opencontainers.image.ref.name';

/** Every image of an OCI layout, each in the variant for this machine. */
export async function readOciLayout(source: ArchiveSource, wanted: Platform): Promise<FoundImage[]> {
  const index = parseDocument(indexSchema, await readDocument(source, 'index.json'), 'index.json');
  const images = new Map<string, FoundImage>();
  for (const { label, descriptors } of groupByLabel(index.manifests)) {
    for (const manifest of await manifestsFor(source, label, descriptors, wanted)) {
      const image = images.get(manifest.digest) ?? (await readImage(source, manifest, wanted));
      const names = label.name === undefined ? image.names : [...image.names, label.name];
      images.set(manifest.digest, { ...image, names, tag: label.tag ?? image.tag });
    }
  }
  return [...images.values()];
}

interface Label {
  name?: string;
  /** A tag without a name. */
  tag?: string;
}

interface Group {
  label: Label;
  descriptors: Descriptor[];
}

function groupByLabel(descriptors: Descriptor[]): Group[] {
  const groups = new Map<string, Group>();
  for (const descriptor of descriptors) {
    if (isAttestation(descriptor)) continue;
    const label = labelOf(descriptor);
    const key = JSON.stringify([label.name, label.tag]);
    const group = groups.get(key) ?? { label, descriptors: [] };
    group.descriptors.push(descriptor);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** `latest` and `3.20` are tags without a name: a ref.name is a name only when it has a slash or a colon. */
function labelOf({ annotations }: Descriptor): Label {
  const name = annotations[FULL_NAME];
  if (name !== undefined) return { name };
  const refName = annotations[REF_NAME];
  if (refName === undefined) return {};
  return /[/:@]/.test(refName) ? { name: refName } : { tag: refName };
}

/** Several manifests of one name are variants of one image; without a name they are different images. */
async function manifestsFor(
  source: ArchiveSource,
  label: Label,
  descriptors: Descriptor[],
  wanted: Platform,
): Promise<Descriptor[]> {
  const read = (index: Descriptor): Promise<Buffer> => readBlob(source, index);
  if (label.name !== undefined || label.tag !== undefined)
    return [await chooseManifest(descriptors, wanted, read)];
  const found: Descriptor[] = [];
  const others: Platform[] = [];
  for (const descriptor of descriptors) {
    const { chosen, offered } = await findManifest([descriptor], wanted, read);
    if (chosen) found.push(chosen);
    else for (const platform of offered) others.push(platform);
  }
  if (found.length === 0) throw otherPlatform(others, wanted);
  return found;
}

async function readImage(
  source: ArchiveSource,
  descriptor: Descriptor,
  wanted: Platform,
): Promise<FoundImage> {
  const manifest = await readAsDocument(source, descriptor, OCI_MANIFEST);
  const { config, layers } = readManifest(manifest);
  const found = layers.map((layer) => ({
    ...layer,
    read: (offset: number) => readFrom(source, blobName(layer), offset),
  }));
  return foundImage(manifest, await readAsDocument(source, config, ''), found, wanted);
}

async function readAsDocument(
  source: ArchiveSource,
  descriptor: Descriptor,
  usualType: string,
): Promise<ImageDocument> {
  const body = await readBlob(source, descriptor);
  return { digest: descriptor.digest, mediaType: descriptor.mediaType || usualType, body };
}

async function readBlob(source: ArchiveSource, descriptor: Descriptor): Promise<Buffer> {
  if (descriptor.size > LARGEST_DOCUMENT)
    throw new FsbError(
      'invalid_argument',
      `${descriptor.digest} is too large for a document: ${descriptor.size} bytes`,
    );
  const content = readFrom(source, blobName(descriptor));
  return buffer(verified(content, descriptor, `blob ${descriptor.digest}`));
}

const blobName = ({ digest }: Descriptor): string => `blobs/${digest.replace(':', '/')}`;
