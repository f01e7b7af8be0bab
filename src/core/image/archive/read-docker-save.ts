import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { FsbError } from '../../model/errors.ts';
import type { Platform } from '../../model/platform.ts';
import {
  configurationSchema,
  type DockerSaveManifest,
  dockerSaveSchema,
  parseDocument,
} from '../documents.ts';
import { type FoundImage, foundImage } from '../found-image.ts';
import { type ArchiveSource, readDocument } from './source.ts';

/** Every image of what `docker save` wrote. There is no manifest in it, so the configuration's digest names the image. */
export async function readDockerSave(source: ArchiveSource, wanted: Platform): Promise<FoundImage[]> {
  const images = new Map<string, FoundImage>();
  for (const entry of await readManifest(source)) {
    const image = await readImage(source, entry, wanted);
    const known = images.get(image.digest);
    images.set(image.digest, { ...image, names: [...(known?.names ?? []), ...image.names] });
  }
  return [...images.values()];
}

async function readManifest(source: ArchiveSource): Promise<DockerSaveManifest> {
  return parseDocument(dockerSaveSchema, await readDocument(source, 'manifest.json'), 'manifest.json');
}

async function readImage(
  source: ArchiveSource,
  entry: DockerSaveManifest[number],
  wanted: Platform,
): Promise<FoundImage> {
  const document = await readDocument(source, entry.Config);
  const digest = `sha256:${createHash('sha256').update(document).digest('hex')}`;
  const promised = /^([0-9a-f]{64})(?:\.json)?$/.exec(posix.basename(entry.Config))?.[1];
  if (promised !== undefined && digest !== `sha256:${promised}`)
    throw new FsbError('invalid_argument', `${entry.Config} is damaged: its digest is ${digest}`);
  const configuration = parseDocument(configurationSchema, document, entry.Config);
  const layers = entry.Layers.map((name) => ({ open: () => source.open(name) }));
  return { ...foundImage(digest, configuration, layers, wanted), names: entry.RepoTags };
}
