import { FsbError } from '../../model/failure/errors.ts';
import { isIndexType, MANIFEST_TYPES, OCI_INDEX, OCI_MANIFEST } from './media-types.ts';

/**
 * What a manifest or index is: by the name that its source gives it, which may be anything, and by what it says itself.
 * The two must agree: else one reads two images out of one digest.
 * @param said by whoever gave it; may be empty
 * @throws invalid_argument (no manifest, or it contradicts itself), unsupported (schema 1, no image)
 */
export function manifestTypeOf(body: Buffer, said: string): string {
  const given = said.replace(/;.*$/s, '').trim().toLowerCase();
  const manifest = membersOf(body, given);
  if (manifest.schemaVersion === 1 || /distribution\.manifest\.v1\+/.test(given))
    throw new FsbError('unsupported', 'it is an image of the first schema, which registries gave up', {
      hint: 'Push it again with a docker of 1.10 or later.',
    });
  const own = typeof manifest.mediaType === 'string' ? manifest.mediaType : undefined;
  const type = MANIFEST_TYPES.includes(given) ? given : (own ?? guess(manifest));
  if (!type || !MANIFEST_TYPES.includes(type))
    throw new FsbError('unsupported', `it is no container image but of type ${shown(type || given)}`);
  if (own !== undefined && own !== type)
    throw new FsbError(
      'invalid_argument',
      `it contradicts itself: what is called ${type} says to be ${shown(own)}`,
    );
  if ((isIndexType(type) ? 'layers' : 'manifests') in manifest)
    throw new FsbError(
      'invalid_argument',
      `it contradicts itself: what is called ${type} has the parts of something else`,
    );
  return type;
}

function membersOf(body: Buffer, given: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new FsbError('invalid_argument', `it is something else than a manifest (${shown(given)})`);
}

function guess(manifest: Record<string, unknown>): string | undefined {
  if (Array.isArray(manifest.manifests)) return OCI_INDEX;
  return typeof manifest.config === 'object' && Array.isArray(manifest.layers) ? OCI_MANIFEST : undefined;
}

const LONGEST_TYPE = 100;

/** It may be anything, and is for a terminal. */
const shown = (type: string): string =>
  type.replace(/[^\x20-\x7e]+/g, ' ').slice(0, LONGEST_TYPE) || 'no type';
