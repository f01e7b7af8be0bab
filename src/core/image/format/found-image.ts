import { FsbError } from '../../model/failure/errors.ts';
import type { ImageConfig } from '../../model/image/image.ts';
import type { Platform } from '../../model/image/platform.ts';
import { digestOf } from '../bytes/digester.ts';
import { type Configuration, configurationSchema, parseDocument } from './documents.ts';
import { imageConfigOf } from './image-config.ts';
import { assertRunsOn } from './platform-choice.ts';

export interface ImageDocument {
  /** `sha256:...`, verified. */
  digest: string;
  mediaType: string;
  body: Buffer;
}

/** An image as its source describes it, an image file or a registry; its layers are not read yet. */
export interface FoundImage {
  manifest: ImageDocument;
  configuration: ImageDocument;
  /** That led to the manifest, in a registry: kept, so that the next pull finds it unchanged. */
  index?: ImageDocument;
  /** As written in the source; not yet normalised. Empty for an image without a name. */
  names: string[];
  /** A tag without a name, as OCI layouts have it; says which of several images this is. */
  tag?: string;
  platform: Platform;
  /** Milliseconds since the epoch; 0 when it does not say. */
  createdAt: number;
  config: ImageConfig;
  /** Bottom first. */
  layers: FoundLayer[];
}

export interface LayerReadOptions {
  /** Told in words when something failed that is tried again. */
  onRetry?: (why: string) => void;
  signal?: AbortSignal;
}

/** A layer as it is in its source, maybe compressed. */
export interface LayerSource {
  digest: string;
  mediaType: string;
  /** Bytes. */
  size: number;
  /** The bytes from an offset on; not yet verified. */
  read(offset: number, options?: LayerReadOptions): AsyncIterable<Buffer>;
}

export interface FoundLayer extends LayerSource {
  /** Digest of the plain tar. */
  diffId: string;
}

/**
 * Puts an image together from its documents.
 * @throws invalid_argument when they do not match, or another machine is meant
 */
export function foundImage(
  manifest: ImageDocument,
  configuration: ImageDocument,
  layers: LayerSource[],
  wanted: Platform,
): FoundImage {
  const said = readConfiguration(configuration);
  const diffIds = said.rootfs.diff_ids;
  if (diffIds.length !== layers.length)
    throw new FsbError(
      'invalid_argument',
      `image ${manifest.digest} has ${layers.length} layers, its configuration ${diffIds.length}`,
    );
  return {
    manifest,
    configuration,
    names: [],
    platform: assertRunsOn(said, wanted),
    createdAt: timeOf(said.created),
    config: imageConfigOf(said),
    layers: layers.map((layer, index) => ({ ...layer, diffId: diffIds[index]! })),
  };
}

const readConfiguration = ({ digest, body }: ImageDocument): Configuration =>
  parseDocument(configurationSchema, body, `the configuration ${digest}`);

/** What a document that was made here is called. */
export const documentOf = (mediaType: string, body: Buffer): ImageDocument => ({
  digest: digestOf(body),
  mediaType,
  body,
});

/**
 * The manifest of layers that came without one. The same layers give the same bytes, on every machine.
 * @param mediaType of the manifest
 */
export function manifestOf(
  mediaType: string,
  configuration: ImageDocument,
  layers: readonly Pick<LayerSource, 'digest' | 'mediaType' | 'size'>[],
): ImageDocument {
  const document = {
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: configuration.mediaType,
      digest: configuration.digest,
      size: configuration.body.length,
    },
    layers: layers.map(({ digest, size, mediaType: type }) => ({ mediaType: type, digest, size })),
  };
  return documentOf(mediaType, Buffer.from(JSON.stringify(document)));
}

/** Builders write year 1 or 1970 when they want to say nothing. */
function timeOf(created: string | null | undefined): number {
  const time = Date.parse(created ?? '');
  return Number.isFinite(time) && time > 0 ? time : 0;
}
