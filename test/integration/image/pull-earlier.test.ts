import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { usePullFixture } from '../../helpers/image/pull-fixture.ts';

const images = usePullFixture();

/** Makes of the store what an earlier version has left, which kept no blobs. */
async function asOfEarlier(): Promise<void> {
  const root = join(images.stateDirectory, 'images');
  await images.store.close();
  const file = JSON.parse(await readFile(join(root, 'images.json'), 'utf8'));
  const records = file.images.map((record: Record<string, unknown> & { layers: { diffId: string }[] }) => {
    const { digest, references, config, architecture, importedAt, layers } = record;
    const diffIds = layers.map(({ diffId }) => diffId);
    return { digest, references, config, diffIds, architecture, importedAt };
  });
  await writeFile(join(root, 'images.json'), JSON.stringify({ version: 1, images: records }));
  await rm(join(root, 'blobs'), { recursive: true });
  await images.open();
}

const layerInode = async (): Promise<number> => {
  const { root } = await images.store.resolve('tiny');
  return (await stat(root.overlays[0]!.lower[0]!)).ino;
};

describe('an image that an earlier version brought in', () => {
  it('runs, but cannot be saved: the error says what to do', async () => {
    await images.pull('tiny');
    await asOfEarlier();
    expect(await images.contentOf('tiny')).toBe('A');
    await expect(buffer(images.store.save(['tiny']))).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('tiny:latest'),
      hint: expect.stringContaining('Pull or import it again'),
    });
  });

  it('gets its blobs by a pull, which unpacks nothing again', async () => {
    await images.pull('tiny');
    await asOfEarlier();
    const before = await layerInode();
    images.registries.requests.length = 0;
    expect((await images.pull('tiny')).upToDate).toBe(false);
    // Two layers and the configuration.
    expect(images.registries.count('blob')).toBe(3);
    expect(await layerInode()).toBe(before);
    expect((await buffer(images.store.save(['tiny']))).length).toBeGreaterThan(0);
    expect((await images.pull('tiny')).upToDate).toBe(true);
  });
});
