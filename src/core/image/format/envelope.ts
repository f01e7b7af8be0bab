import { FsbError } from '../../model/failure/errors.ts';
import { type Descriptor, type Manifest, MOST_LAYERS, manifestSchema, parseDocument } from './documents.ts';
import type { ImageDocument } from './found-image.ts';
import { isConfigurationType } from './media-types.ts';

/**
 * Reads the manifest of a container image. Helm charts, wasm modules, signatures come in the same envelope.
 * @throws invalid_argument (no container image), unsupported (encrypted)
 */
export function readManifest({ digest, body }: ImageDocument): Manifest {
  const manifest = parseDocument(manifestSchema, body, `the manifest ${digest}`);
  const { mediaType } = manifest.config;
  if (!isConfigurationType(mediaType)) throw noImage(manifest.artifactType || mediaType);
  for (const layer of manifest.layers) assertLayerType(layer);
  assertLayerCount(manifest.layers.length);
  return manifest;
}

/** Before any of them is brought: an overlay could not be mounted of it. @throws invalid_argument */
export function assertLayerCount(count: number): void {
  if (count > MOST_LAYERS)
    throw new FsbError('invalid_argument', `it has ${count} layers, and an image may have ${MOST_LAYERS}`, {
      hint: 'Build it with fewer, for example with: docker build --squash',
    });
}

function noImage(type: string): FsbError {
  const what = /helm/.test(type) ? 'a helm chart' : 'an artifact';
  return new FsbError('invalid_argument', `it is no container image but ${what}, of type ${type}`, {
    hint: /helm/.test(type) ? 'Get it with helm.' : 'Get it with a tool that knows its type.',
  });
}

function assertLayerType({ mediaType, digest }: Descriptor): void {
  if (mediaType === '' || /\.tar(?:\.|\+|$)/.test(mediaType)) {
    if (!mediaType.includes('+encrypted')) return;
    throw new FsbError('unsupported', `layer ${digest} is encrypted`);
  }
  throw new FsbError('invalid_argument', `${digest} of type ${mediaType} is no layer of a container image`);
}
