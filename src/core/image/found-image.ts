import type { Readable } from 'node:stream';
import { FsbError } from '../model/errors.ts';
import type { ImageConfig } from '../model/image.ts';
import type { Platform } from '../model/platform.ts';
import type { Configuration, Descriptor } from './documents.ts';
import { imageConfigOf } from './image-config.ts';

/** An image as its source describes it, an image file or (later) a registry; its layers are not read yet. */
export interface FoundImage {
  /** Of the manifest; of the configuration where there is no manifest. Verified. */
  digest: string;
  /** As written in the source; not yet normalised. Empty for an image without a name. */
  names: string[];
  /** A tag without a name, as OCI layouts have it; says which of several images this is. */
  tag?: string;
  architecture: string;
  config: ImageConfig;
  /** Bottom first. */
  layers: FoundLayer[];
}

export interface FoundLayer {
  /** Digest of the plain tar. */
  diffId: string;
  /** Digest and bytes of what open() gives, when the source says so. */
  blob?: { digest: string; size: number };
  /** Maybe compressed; not yet verified. */
  open(): Promise<Readable>;
}

/** @throws invalid_argument when the layers do not match, or another machine is meant */
export function foundImage(
  digest: string,
  configuration: Configuration,
  layers: Omit<FoundLayer, 'diffId'>[],
  wanted: Platform,
): FoundImage {
  const diffIds = configuration.rootfs.diff_ids;
  if (diffIds.length !== layers.length)
    throw new FsbError(
      'invalid_argument',
      `image ${digest} has ${layers.length} layers, its configuration ${diffIds.length}`,
    );
  const { os, architecture } = configuration;
  if ((os || 'linux') !== wanted.os || (architecture || wanted.architecture) !== wanted.architecture)
    throw otherPlatform([`${os}/${architecture}`], wanted);
  return {
    digest,
    names: [],
    architecture: wanted.architecture,
    config: imageConfigOf(configuration),
    layers: layers.map((layer, index) => ({ ...layer, diffId: diffIds[index]! })),
  };
}

export function otherPlatform(offered: string[], wanted: Platform): FsbError {
  const list = [...new Set(offered)].join(', ') || 'no platform';
  return new FsbError(
    'invalid_argument',
    `it is for ${list}, and this machine is ${wanted.os}/${wanted.architecture}`,
    {
      hint: `Build or save the image for ${wanted.os}/${wanted.architecture}.`,
    },
  );
}

/** Wasm modules, helm charts and attestations come in the same envelope. */
export function assertLayerType({ mediaType, digest }: Descriptor): void {
  if (mediaType === '' || /\.tar(?:\.|\+|$)/.test(mediaType)) {
    if (!mediaType.includes('+encrypted')) return;
    throw new FsbError('unsupported', `layer ${digest} is encrypted`);
  }
  throw new FsbError('invalid_argument', `${digest} of type ${mediaType} is no layer of a container image`);
}
