import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { CoreApi } from '../../../../../src/core/api/core-api.ts';
import { busyboxImage } from '../../../image/busybox-image.ts';
import { layoutFiles, writeArchive } from '../../../image/image-files.ts';
import { startRegistry, type TestRegistry } from '../../../image/registry/docker-registry.ts';
import { pushImage } from '../../../image/registry/push.ts';
import { checkImageFiles } from '../always.ts';
import { COLD } from '../boxes.ts';
import { scenario } from '../scenario.ts';
import { request, said } from '../sessions.ts';

/** Where the image of these scenarios comes from; to be stopped. */
export async function registryWithImage(): Promise<TestRegistry> {
  const registry = await startRegistry();
  await pushImage(registry, 'team/tool', layoutFiles([await busyboxImage({ name: undefined })]), '1');
  return registry;
}

/** The list of images is in effect when it has its name. */
const COMES = {
  none: ['pull.', 'blob.', 'layer.', 'ingest.', 'images.'],
  here: ['images.renamed'],
};

const GOES = {
  here: ['prune.', 'images.'],
  none: ['images.renamed', 'removal.', 'blob.', 'layer.'],
};

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
  const hereOrNot = async (api: CoreApi): Promise<string> => ((await isHere(api)) ? 'here' : 'none');
  const tagged = async (api: CoreApi): Promise<string> => {
    const [image, ...more] = (await api.images.list()).filter(({ references }) =>
      references.includes(name()),
    );
    expect(more).toEqual([]);
    return image!.references.length > 1 ? 'both names' : 'one name';
  };
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
      core: COLD,
      prepare: (_, root) => trust(root),
      act: (api) => pull(api),
      outcome: hereOrNot,
      becomes: COMES,
      ends: 'here',
      check: async (api) => {
        await pull(api);
        await works(api);
      },
      tidy,
    }),
    scenario({
      name: 'image import',
      core: COLD,
      prepare: async (_, root) => {
        const files = layoutFiles([await busyboxImage({ name: undefined })]);
        await writeArchive(join(root, 'image.tar'), files);
      },
      act: (api, _, root) => load(api, root),
      outcome: hereOrNot,
      becomes: COMES,
      ends: 'here',
      check: async (api, _, __, root) => {
        await load(api, root);
        await works(api);
      },
      tidy,
    }),
    scenario({
      name: 'image tag',
      core: COLD,
      prepare: async (api, root) => {
        await trust(root);
        await pull(api);
      },
      act: (api) => api.images.tag(name(), 'another:1'),
      outcome: tagged,
      becomes: { 'one name': ['images.'], 'both names': ['images.renamed'] },
      ends: 'both names',
      check: async (api) => {
        if ((await tagged(api)) === 'both names') await api.images.remove('another:1');
        await works(api);
      },
      tidy,
    }),
    scenario({
      name: 'image prune',
      core: COLD,
      prepare: async (api, root) => {
        await trust(root);
        await pull(api);
      },
      act: (api) => api.images.prune({ all: true, olderThan: 0 }),
      outcome: hereOrNot,
      becomes: GOES,
      ends: 'none',
      check: async (api, _, __, root) => {
        await checkImageFiles(api, root);
        await pull(api);
        await works(api);
      },
      tidy,
    }),
    scenario({
      name: 'image remove',
      core: COLD,
      prepare: async (api, root) => {
        await trust(root);
        await pull(api);
      },
      act: (api) => api.images.remove(name()),
      outcome: hereOrNot,
      becomes: GOES,
      ends: 'none',
      check: async (api, _, __, root) => {
        // Before what is pulled anew has a use for it.
        await checkImageFiles(api, root);
        await pull(api);
        await works(api);
      },
      tidy,
    }),
  ];
};
