import { buffer } from 'node:stream/consumers';
import type { ImageApi } from '../../../../src/core/api/image-api.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { emptyImageConfig } from '../../../../src/core/model/image/image.ts';
import { parseReference } from '../../../../src/core/model/image/reference.ts';
import { imageInfo, importedImage } from '../../image/image-info.ts';

/**
 * Images in name only. What is read from an upload, pulled or saved is made up, of fixed content, so that a test of the
 * wire can tell that it came through: `pull` of any name but `missing` has one layer of 10 bytes.
 *
 * @param known all of them stand for this machine
 */
export function hostImages(known: readonly string[]): ImageApi {
  const named = (name: string) => imageInfo({ references: [name] });
  const others: string[] = [];
  const require = (reference: string): string => {
    parseReference(reference);
    if (known.includes(reference) || others.includes(reference)) return reference;
    throw new FsbError('image_not_found', `image ${reference} is not here`, {
      hint: 'See `fsb-ctl image list`.',
    });
  };
  return {
    async *pull({ reference, credentials }) {
      if (reference === 'missing')
        throw new FsbError('image_not_found', `cannot pull ${reference}: its registry does not have it`, {
          hint: 'Check the name.',
        });
      const { digest } = imageInfo();
      const layer = { id: '0123456789ab', current: 0, total: 10 };
      yield { kind: 'resolved', reference, digest, layers: [{ ...layer, state: 'waiting' }] };
      if (credentials) yield { kind: 'note', message: `as ${JSON.stringify(credentials)}` };
      yield { kind: 'layer', layer: { ...layer, state: 'done', current: 10 } };
      yield { kind: 'done', reference, digest, upToDate: false, image: named(reference) };
    },
    async import({ source, name = 'imported' }, { onLayer } = {}) {
      if ('path' in source)
        throw new FsbError('not_found', `cannot import ${source.path}: there is no such file`, {
          hint: 'Check the path.',
        });
      const { length } = await buffer(source.content);
      for (const state of ['unpacking', 'done'] as const)
        onLayer?.({ id: '0123456789ab', state, current: length, total: length });
      others.push(name);
      return [importedImage({ ...named(name), size: length })];
    },
    async tag(source, target) {
      if (source === 'host')
        throw new FsbError('conflict', 'the host image has no other name', { hint: 'Use --image host.' });
      require(source);
      others.push(target);
    },
    list: async () => known.map(named),
    inspect: async (reference) => ({
      ...named(require(reference)),
      ...{ configDigest: 'sha256:c0', mediaType: 'application/json', author: 'somebody' },
      config: { ...emptyImageConfig, env: ['A=1'], labels: { a: 'b' } },
      layers: [{ digest: 'sha256:1', diffId: 'sha256:2', mediaType: 'tar', size: 3, unpackedSize: 4 }],
      history: [{ createdAt: 5, createdBy: 'RUN', comment: 'c', empty: true }],
    }),
    async remove(reference, { force = false } = {}) {
      if (reference === 'host')
        throw new FsbError('conflict', 'the image host is built in', { hint: 'See fsb-ctl pool stop' });
      const image = named(require(reference));
      return { image, untagged: [reference], deleted: force, freed: 7 };
    },
    prune: async ({ all, olderThan = -1, labels = [], dryRun = false }) => ({
      removed: labels.map(({ key, value = 'any' }) => ({
        ...{ image: named(key), untagged: [key, value, String(dryRun)], deleted: all, freed: olderThan },
      })),
      freed: 9,
    }),
    async *save(references) {
      yield Buffer.from(references.map(require).join(' '));
      yield Buffer.alloc(100_000, 1);
    },
    async login({ registry, credentials }) {
      if (credentials.password === 'wrong')
        throw new FsbError('unauthenticated', `${registry} does not know these credentials`, {
          hint: 'Try again.',
        });
      return credentials.identityToken === undefined ? {} : { identityToken: credentials.identityToken };
    },
  };
}
