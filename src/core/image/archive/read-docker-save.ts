import { posix } from 'node:path';
import { FsbError } from '../../model/failure/errors.ts';
import { digestOfHex } from '../../model/image/digest.ts';
import type { Platform } from '../../model/image/platform.ts';
import { type Compression, compressionOf } from '../bytes/decompress.ts';
import { Digester } from '../bytes/digester.ts';
import {
  configurationSchema,
  type DockerSaveManifest,
  dockerSaveSchema,
  parseDocument,
} from '../format/documents.ts';
import { assertLayerCount } from '../format/envelope.ts';
import {
  documentOf,
  type FoundImage,
  foundImage,
  type LayerSource,
  manifestOf,
} from '../format/found-image.ts';
import { OCI_CONFIGURATION, OCI_LAYER, OCI_MANIFEST } from '../format/media-types.ts';
import { type ArchiveSource, readDocument, readFrom } from './source.ts';

/** Every image of what `docker save` wrote. There is no manifest in it, so one is made of what there is. */
export async function readDockerSave(source: ArchiveSource, wanted: Platform): Promise<FoundImage[]> {
  const images = new Map<string, FoundImage>();
  for (const entry of await readSaved(source)) {
    const image = await readImage(source, entry, wanted);
    const known = images.get(image.manifest.digest);
    images.set(image.manifest.digest, { ...image, names: [...(known?.names ?? []), ...image.names] });
  }
  return [...images.values()];
}

async function readSaved(source: ArchiveSource): Promise<DockerSaveManifest> {
  return parseDocument(dockerSaveSchema, await readDocument(source, 'manifest.json'), 'manifest.json');
}

async function readImage(
  source: ArchiveSource,
  entry: DockerSaveManifest[number],
  wanted: Platform,
): Promise<FoundImage> {
  assertLayerCount(entry.Layers.length);
  const configuration = documentOf(OCI_CONFIGURATION, await readDocument(source, entry.Config));
  const promised = /^([0-9a-f]{64})(?:\.json)?$/.exec(posix.basename(entry.Config))?.[1];
  if (promised !== undefined && configuration.digest !== digestOfHex(promised))
    throw new FsbError(
      'invalid_argument',
      `${entry.Config} is damaged: its digest is ${configuration.digest}`,
    );
  const said = parseDocument(configurationSchema, configuration.body, entry.Config);
  const layers: LayerSource[] = [];
  for (const [index, name] of entry.Layers.entries())
    layers.push(await layerSource(source, name, said.rootfs.diff_ids[index]));
  const manifest = manifestOf(OCI_MANIFEST, configuration, layers);
  return { ...foundImage(manifest, configuration, layers, wanted), names: entry.RepoTags };
}

/** @param diffId of a plain layer also its digest, which is verified when it is read */
async function layerSource(
  source: ArchiveSource,
  name: string,
  diffId: string | undefined,
): Promise<LayerSource> {
  const compression = await compressionOfMember(source, name);
  const isPlain = compression === 'none' && diffId !== undefined;
  return {
    digest: isPlain ? diffId : await hashMember(source, name),
    mediaType: layerType(compression),
    size: await source.sizeOf(name),
    read: (offset) => readFrom(source, name, offset),
  };
}

export const layerType = (compression: Compression): string =>
  compression === 'none' ? OCI_LAYER : `${OCI_LAYER}+${compression}`;

async function compressionOfMember(source: ArchiveSource, name: string): Promise<Compression> {
  for await (const chunk of readFrom(source, name)) return compressionOf(chunk);
  return 'none';
}

async function hashMember(source: ArchiveSource, name: string): Promise<string> {
  const member = new Digester();
  for await (const chunk of readFrom(source, name)) member.add(chunk);
  return member.digest();
}
