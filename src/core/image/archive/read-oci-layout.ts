import { buffer } from 'node:stream/consumers';
import { FsbError } from '../../model/errors.ts';
import type { Platform } from '../../model/platform.ts';
import {
  configurationSchema,
  type Descriptor,
  indexSchema,
  manifestSchema,
  parseDocument,
} from '../documents.ts';
import { assertLayerType, type FoundImage, foundImage, otherPlatform } from '../found-image.ts';
import { verified } from '../unpack/verify.ts';
import { type ArchiveSource, LARGEST_DOCUMENT, readDocument } from './source.ts';

const FULL_NAME = 'io.containerd.image.name';
const REF_NAME = 'org.opencontainers.image.ref.name';
const ATTESTATION = 'vnd.docker.reference.type';
const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
const DEEPEST_INDEX = 4;

/** Every image of an OCI layout, each in the variant for this machine. */
export async function readOciLayout(source: ArchiveSource, wanted: Platform): Promise<FoundImage[]> {
  const index = parseDocument(indexSchema, await readDocument(source, 'index.json'), 'index.json');
  const images = new Map<string, FoundImage>();
  for (const { label, descriptors } of groupByLabel(index.manifests)) {
    const manifests = await manifestsFor(source, descriptors, wanted);
    // Several manifests of one name are variants of one image; without a name they are different images.
    for (const manifest of isUnlabelled(label) ? manifests : manifests.slice(0, 1)) {
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
    if (descriptor.annotations[ATTESTATION] !== undefined) continue;
    const label = labelOf(descriptor);
    const key = JSON.stringify([label.name, label.tag]);
    groups.set(key, { label, descriptors: [...(groups.get(key)?.descriptors ?? []), descriptor] });
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

const isUnlabelled = ({ name, tag }: Label): boolean => name === undefined && tag === undefined;

/**
 * The manifests for this machine among descriptors and the indexes that they lead to: of each index the first.
 * @throws invalid_argument when there is none
 */
async function manifestsFor(
  source: ArchiveSource,
  descriptors: Descriptor[],
  wanted: Platform,
): Promise<Descriptor[]> {
  const found = new Map<string, Descriptor>();
  const others: string[] = [];
  for (const descriptor of descriptors) {
    const leaves = await leavesOf(source, descriptor, DEEPEST_INDEX);
    const fitting = leaves
      .filter((leaf) => fits(leaf, wanted))
      .sort((a, b) => variantRank(a) - variantRank(b))[0];
    if (fitting) found.set(fitting.digest, fitting);
    else others.push(...leaves.map(platformText));
  }
  if (found.size === 0) throw otherPlatform(others, wanted);
  return [...found.values()];
}

async function leavesOf(source: ArchiveSource, descriptor: Descriptor, depth: number): Promise<Descriptor[]> {
  if (!INDEX_TYPES.includes(descriptor.mediaType)) return [descriptor];
  if (depth === 0) throw new FsbError('invalid_argument', 'its indexes are nested too deeply');
  const index = parseDocument(
    indexSchema,
    await readBlob(source, descriptor),
    `the index ${descriptor.digest}`,
  );
  const leaves: Descriptor[] = [];
  for (const child of index.manifests)
    if (child.annotations[ATTESTATION] === undefined)
      leaves.push(...(await leavesOf(source, child, depth - 1)));
  return leaves;
}

/** What has no platform is judged by its configuration, later. */
function fits({ platform }: Descriptor, wanted: Platform): boolean {
  if (!platform || platform.architecture === '') return true;
  return platform.os === wanted.os && platform.architecture === wanted.architecture;
}

/** The plainest variant of an architecture first, the one that every machine of it runs. */
function variantRank({ platform }: Descriptor): number {
  const order = ['', 'v8', 'v1', 'v7', 'v6', 'v5'];
  const rank = order.indexOf(platform?.variant ?? '');
  return rank < 0 ? order.length : rank;
}

function platformText({ platform }: Descriptor): string {
  const variant = platform?.variant ? `/${platform.variant}` : '';
  return `${platform?.os || 'unknown'}/${platform?.architecture || 'unknown'}${variant}`;
}

async function readImage(
  source: ArchiveSource,
  descriptor: Descriptor,
  wanted: Platform,
): Promise<FoundImage> {
  const what = `the manifest ${descriptor.digest}`;
  const manifest = parseDocument(manifestSchema, await readBlob(source, descriptor), what);
  for (const layer of manifest.layers) assertLayerType(layer);
  const configBlob = await readBlob(source, manifest.config);
  const configuration = parseDocument(
    configurationSchema,
    configBlob,
    `the configuration ${manifest.config.digest}`,
  );
  const layers = manifest.layers.map((layer) => ({
    blob: { digest: layer.digest, size: layer.size },
    open: () => source.open(blobName(layer)),
  }));
  return foundImage(descriptor.digest, configuration, layers, wanted);
}

async function readBlob(source: ArchiveSource, descriptor: Descriptor): Promise<Buffer> {
  if (descriptor.size > LARGEST_DOCUMENT)
    throw new FsbError(
      'invalid_argument',
      `${descriptor.digest} is too large for a document: ${descriptor.size} bytes`,
    );
  const blob = await source.open(blobName(descriptor));
  return buffer(verified(blob, descriptor, `blob ${descriptor.digest}`));
}

const blobName = ({ digest }: Descriptor): string => `blobs/${digest.replace(':', '/')}`;
