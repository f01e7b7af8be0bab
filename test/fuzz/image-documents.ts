import fc from 'fast-check';
import {
  configurationSchema,
  type Descriptor,
  dockerSaveSchema,
  indexSchema,
  manifestSchema,
  parseDocument,
} from '../../src/core/image/format/documents.ts';
import { imageConfigFromOci } from '../../src/core/image/format/image-config.ts';
import { manifestTypeOf } from '../../src/core/image/format/manifest-type.ts';
import { findManifest } from '../../src/core/image/format/platform-choice.ts';
import { FsbError } from '../../src/core/model/failure/errors.ts';
import { corpusFiles } from './corpus-files.ts';
import { mutated } from './mutations.ts';

const EXPECTED = ['invalid_argument', 'unsupported', 'image_not_found'];
const TYPES = [
  '',
  'application/json',
  'application/vnd.oci.image.index.v1+json; charset=utf-8',
  'application/vnd.docker.distribution.manifest.v2+json',
];
const wanted = { os: 'linux', architecture: 'arm64', variant: 'v8' };

/** Whatever index is asked for, this one comes: one that names itself must come to an end. */
const search = (descriptors: Descriptor[], body: Buffer): Promise<unknown> =>
  findManifest(descriptors, wanted, async () => body);

/** A document of an image is read, or refused as one that is none. */
export const imageDocumentsProperty = () => {
  const document = mutated(corpusFiles('image-documents'));
  return fc.asyncProperty(document, document, fc.constantFrom(...TYPES), async (body, other, type) => {
    const readers: (() => unknown)[] = [
      () => manifestTypeOf(body, type),
      () => parseDocument(manifestSchema, body, 'it'),
      () => parseDocument(configurationSchema, body, 'it'),
      () => parseDocument(dockerSaveSchema, body, 'it'),
      () => imageConfigFromOci(body),
      () => search(parseDocument(indexSchema, body, 'it').manifests, body),
      () => search(parseDocument(indexSchema, body, 'it').manifests, other),
    ];
    for (const read of readers)
      try {
        await read();
      } catch (error) {
        if (!(error instanceof FsbError) || !EXPECTED.includes(error.code)) throw error;
      }
  });
};
