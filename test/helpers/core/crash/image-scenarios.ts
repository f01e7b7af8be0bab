import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import { busyboxImage } from '../../image/busybox-image.ts';
import { layoutFiles, writeArchive } from '../../image/image-files.ts';
import { startRegistry, type TestRegistry } from '../../image/registry/docker-registry.ts';
import { pushImage } from '../../image/registry/push.ts';
import { checkImageFiles } from './always.ts';
import { COLD } from './boxes.ts';
import { scenario } from './scenario.ts';
import { request, said } from './sessions.ts';

/** Where the image of these scenarios comes from; to be stopped. */
export async function registryWithImage(): Promise<TestRegistry> {
  const registry = await startRegistry();
  await pushImage(registry, 'team/tool', layoutFiles([await busyboxImage({ name: undefined })]), '1');
  return registry;
}

/** Images that come from a registry, and go. */
export const imageScenarios = (registry: () => TestRegistry) => {
  const name = (): string => `${registry().address}/team/tool:1`;
  const pull = async (api: CoreApi): Promise<void> => {
    for await (const _ of api.images.pull({ reference: name() }));
  };
  const trust = (root: string): Promise<void> =>
    writeFile(join(root, 'registries.yaml'), `registries: { "${registry().address}": { insecure: true } }`);
  const isHere = async (api: CoreApi): Promise<boolean> =>
    (await api.images.list()).some(({ references }) => references.includes(name()));
  const works = async (api: CoreApi): Promise<void> => {
    const run = await api.pools.run({ pool: 'default-pool', image: name(), exec: request('echo', 'x') });
    expect(await said(run)).toEqual({ text: 'x\n', code: 0 });
  };
  const load = (api: CoreApi, root: string): Promise<unknown> =>
    api.images.import({ source: { path: join(root, 'image.tar') }, name: name() });
  const tidy = async (api: CoreApi): Promise<void> => {
    await api.images.prune({ all: true, olderThan: 0 });
  };
  return [
    scenario({
      name: 'image pull',
      covers: [
        'pull.',
        'ingest.',
        'images.',
        'blob.whole',
        'blob.renamed',
        'layer.staged',
        'layer.unpacked',
        'layer.recorded',
        'layer.renamed',
      ],
      core: COLD,
      prepare: (_, root) => trust(root),
      act: (api) => pull(api),
      check: async (api, _, answered) => {
        if (answered) expect(await isHere(api)).toBe(true);
        await pull(api);
        await works(api);
      },
      tidy,
    }),
    scenario({
      name: 'image import',
      covers: ['ingest.flushed', 'images.written', 'images.renamed', 'blob.renamed', 'layer.renamed'],
      core: COLD,
      prepare: async (_, root) => {
        const files = layoutFiles([await busyboxImage({ name: undefined })]);
        await writeArchive(join(root, 'image.tar'), files);
      },
      act: (api, _, root) => load(api, root),
      check: async (api, _, answered, root) => {
        if (answered) expect(await isHere(api)).toBe(true);
        await load(api, root);
        await works(api);
      },
      tidy,
    }),
    scenario({
      name: 'image tag',
      covers: ['images.kept', 'images.renamed'],
      core: COLD,
      prepare: async (api, root) => {
        await trust(root);
        await pull(api);
      },
      act: (api) => api.images.tag(name(), 'another:1'),
      check: async (api, _, answered) => {
        const [image, ...more] = await api.images.list();
        expect(more.filter(({ digest }) => digest === image?.digest)).toEqual([]);
        expect(await isHere(api)).toBe(true);
        if (answered) await api.images.remove('another:1');
        await works(api);
      },
      tidy,
    }),
    scenario({
      name: 'image prune',
      covers: ['prune.collected', 'removal.', 'images.renamed', 'blob.removed'],
      core: COLD,
      prepare: async (api, root) => {
        await trust(root);
        await pull(api);
      },
      act: (api) => api.images.prune({ all: true, olderThan: 0 }),
      check: async (api, _, answered, root) => {
        if (answered) expect(await isHere(api)).toBe(false);
        await checkImageFiles(api, root);
        await pull(api);
        await works(api);
      },
      tidy,
    }),
    scenario({
      name: 'image remove',
      covers: ['removal.', 'images.', 'blob.removed', 'layer.removed'],
      core: COLD,
      prepare: async (api, root) => {
        await trust(root);
        await pull(api);
      },
      act: (api) => api.images.remove(name()),
      check: async (api, _, answered, root) => {
        if (answered) expect(await isHere(api)).toBe(false);
        // Before what is pulled anew has a use for it.
        await checkImageFiles(api, root);
        await pull(api);
        await works(api);
      },
      tidy,
    }),
  ];
};
