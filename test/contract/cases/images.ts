import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { LayerProgress } from '../../../src/core/model/image/pull.ts';
import { tarOf } from '../../helpers/image/image-files.ts';
import { errorOf, type Workbench } from '../workbench.ts';

export function imageCases(bench: Workbench): void {
  it('lists images, the built-in one first', async () => {
    const [host] = await bench.core.images.list();
    expect(host).toMatchObject({
      ...{ references: ['host'], repoDigests: [], digest: expect.stringMatching(/^sha256:/) },
      ...{ size: 0, uniqueSize: 0, variant: '', usedBy: expect.any(Array) },
    });
    expect(host!.importedAt).toBeGreaterThanOrEqual(0);
  });

  it('says what is wrong with images', async () => {
    const { images } = bench.core;
    const path = '/no/such/file.tar';
    expect(await errorOf(images.import({ source: { path } }))).toMatchObject({
      code: 'not_found',
      message: expect.stringContaining(path),
    });
    for (const call of [images.remove('no-such-image'), images.inspect('no-such-image')])
      expect(await errorOf(call)).toMatchObject({ code: 'image_not_found' });
    expect(await errorOf(buffer(images.save(['no-such-image'])))).toMatchObject({ code: 'image_not_found' });
    expect(await errorOf(images.remove('host'))).toMatchObject({
      ...{ code: 'conflict', hint: expect.stringContaining('pool stop') },
    });
  });

  it('shows everything about an image', async () => {
    const [host] = await bench.core.images.list();
    const details = await bench.core.images.inspect('host');
    expect(details).toMatchObject({ references: ['host'], digest: host!.digest });
    expect(details.config.env.length).toBeGreaterThan(0);
  });

  it('prunes nothing where there is nothing', async () => {
    const { removed, freed } = await bench.core.images.prune({ all: false });
    expect(removed).toEqual([]);
    expect(freed).toBeGreaterThanOrEqual(0);
  });

  it('tells how far an import is, and gives an image one more name', async () => {
    const { images } = bench.core;
    const [name, other] = ['docker.io/library/contract:1', 'docker.io/library/contract:2'];
    const layers: LayerProgress[] = [];
    const content = async function* (): AsyncGenerator<Buffer> {
      yield await tarOf([{ name: 'etc/motd', content: 'hello' }]);
    };
    const [image] = await images.import(
      { source: { content: content() }, name, rootfs: { changes: [] } },
      { onLayer: (layer) => layers.push(layer) },
    );
    expect(image!.references).toEqual([name]);
    expect(layers.at(-1)).toMatchObject({ state: 'done', id: expect.stringMatching(/^[0-9a-f]{12}$/) });
    await images.tag(name, other);
    expect((await images.inspect(other)).references).toContain(other);
    expect(image!.loaded).toEqual([name]);
    for (const one of [name, other]) await images.remove(one);
    expect(await errorOf(images.tag('no-such-image', other))).toMatchObject({ code: 'image_not_found' });
    expect(await errorOf(images.tag('host', other))).toMatchObject({
      code: 'conflict',
      hint: expect.stringContaining('--image host'),
    });
  });

  it('tells a source that fails while it is read', async () => {
    const broken = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.alloc(3_000_000);
      throw new FsbError('internal', 'the disk is on fire', { hint: 'Run.' });
    };
    const error = await errorOf(bench.core.images.import({ source: { content: broken() } }));
    expect(error.message).toContain('the disk is on fire');
  });
}
