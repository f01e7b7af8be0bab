import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutFiles, sha256, writeArchive } from '../../helpers/image/image-files.ts';
import { tinyImage, useImageStore } from '../../helpers/image/image-store-fixture.ts';

const images = useImageStore();

describe('the store', () => {
  it('unpacks a layer once, also when several imports want it at the same time', async () => {
    const paths = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        const path = join(images.directory, `${name}.tar`);
        await writeArchive(path, layoutFiles([await tinyImage(name, name)]));
        return path;
      }),
    );
    await Promise.all([...paths, ...paths].map((path) => images.import(path)));
    expect(await readdir(images.layersDirectory)).toHaveLength(4);
    expect((await images.store.list()).map(({ references }) => references[0])).toEqual([
      'host',
      'docker.io/library/a:latest',
      'docker.io/library/b:latest',
      'docker.io/library/c:latest',
    ]);
  });

  it('moves a name to the new image, and keeps the old one without it', async () => {
    const [old] = await images.import(await images.archive(layoutFiles([await tinyImage('a', 'old')])));
    const told: (readonly string[])[] = [];
    images.store.onNamesChanged((digests) => told.push(digests));
    await images.import(await images.archive(layoutFiles([await tinyImage('a', 'new')])));
    await images.import(await images.archive(layoutFiles([await tinyImage('a', 'new')])));
    expect(told).toEqual([[old!.digest], []]);
    expect(await images.contentOf('a')).toBe('new');
    expect(await images.contentOf(old!.digest)).toBe('old');
    const listed = await images.store.list();
    expect(listed.find(({ digest }) => digest === old!.digest)!.references).toEqual([]);
    await images.store.remove(old!.digest);
    expect(await readdir(images.layersDirectory)).toHaveLength(2);
  });

  it('finds an image by every way to name it', async () => {
    const [image] = await images.import(await images.archive(layoutFiles([await tinyImage('a:1', 'A')])));
    const { digest } = image!;
    const hex = digest.slice('sha256:'.length);
    for (const name of [
      'a:1',
      'docker.io/library/a:1',
      digest,
      hex,
      hex.slice(0, 12),
      `a@${digest}`,
      `a:9@${digest}`,
    ])
      expect((await images.store.resolve(name)).digest).toBe(digest);
    for (const name of ['a', 'a:2', `b@${digest}`, '0'.repeat(12)])
      await expect(images.store.resolve(name)).rejects.toMatchObject({ code: 'image_not_found' });
    await expect(images.store.resolve('A B')).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it.each([
    [
      'hots',
      'Did you mean host? Bring it in with: fsb-ctl image pull hots:latest, or fsb-ctl image import FILE hots:latest',
    ],
    [
      'alpin',
      'Did you mean alpine? Bring it in with: fsb-ctl image pull alpin:latest, or fsb-ctl image import FILE alpin:latest',
    ],
    [
      'something',
      'Bring it in with: fsb-ctl image pull something:latest, or fsb-ctl image import FILE something:latest',
    ],
  ])('says how to get %s', async (name, hint) => {
    await images.import(await images.archive(layoutFiles([await tinyImage('alpine', 'A')])));
    await expect(images.store.resolve(name)).rejects.toMatchObject({ code: 'image_not_found', hint });
  });

  it('removes a name, the image with its last name, and layers that nobody shares', async () => {
    await images.import(
      await images.archive(layoutFiles([await tinyImage('a', 'A'), await tinyImage('b', 'B')])),
    );
    const path = await images.archive(layoutFiles([await tinyImage('a', 'A')]));
    await images.import(path, 'alias');
    expect(await images.store.remove('alias')).toMatchObject({
      ...{ untagged: ['docker.io/library/alias:latest'], deleted: false, freed: 0 },
      image: { references: ['docker.io/library/a:latest', 'docker.io/library/alias:latest'] },
    });
    expect(await images.contentOf('a')).toBe('A');
    await images.store.remove('a');
    expect(await readdir(images.layersDirectory)).toHaveLength(2);
    expect(await images.contentOf('b')).toBe('B');
    await images.store.remove('b');
    expect([await readdir(images.layersDirectory), await readdir(images.stagingDirectory)]).toEqual([[], []]);
    await expect(images.store.remove('b')).rejects.toMatchObject({ code: 'image_not_found' });
    await expect(images.store.remove('host')).rejects.toMatchObject({ code: 'conflict' });
  });

  it('does not remove what is held', async () => {
    const [image] = await images.import(await images.archive(layoutFiles([await tinyImage('a', 'A')])));
    const releases = [images.store.hold(image!.digest), images.store.hold(image!.digest)];
    await expect(images.store.remove('a')).rejects.toMatchObject({
      code: 'conflict',
      hint: expect.stringContaining('Delete'),
    });
    releases[0]!();
    releases[0]!();
    await expect(images.store.remove('a')).rejects.toMatchObject({ code: 'conflict' });
    releases[1]!();
    await images.store.remove('a');
    await expect(images.store.resolve('a')).rejects.toMatchObject({ code: 'image_not_found' });
  });

  it('lets nobody begin to use what is being removed', async () => {
    const [image] = await images.import(await images.archive(layoutFiles([await tinyImage('a', 'A')])));
    const removing = images.store.remove('a');
    // Not yet on disk, but decided.
    await new Promise(setImmediate);
    expect(() => images.store.hold(image!.digest)).toThrow(
      expect.objectContaining({ code: 'image_not_found' }),
    );
    for (const name of ['a', image!.digest])
      await expect(images.store.resolve(name)).rejects.toMatchObject({ code: 'image_not_found' });
    await removing;
    expect(await readdir(images.layersDirectory)).toEqual([]);
  });

  it('has idle users let go before it removes an image, and keeps it when somebody else came', async () => {
    const [image] = await images.import(await images.archive(layoutFiles([await tinyImage('a', 'A')])));
    const asked: string[] = [];
    let release = images.store.hold(image!.digest);
    const letGo = async (digest: string): Promise<void> => {
      asked.push(digest);
      release();
    };
    const come = async (): Promise<void> => {
      release();
      release = images.store.hold(image!.digest);
    };
    await expect(images.store.remove('a', { letGo: come })).rejects.toMatchObject({
      code: 'conflict',
      message: 'cannot remove image a:latest: sandboxes use it',
    });
    expect(await images.contentOf('a')).toBe('A');
    await images.store.remove('a', { letGo });
    expect(asked).toEqual([image!.digest]);
    expect(await readdir(images.layersDirectory)).toEqual([]);
  });

  it('asks nobody to let go when it only takes off a name', async () => {
    const path = await images.archive(layoutFiles([await tinyImage('a', 'A')]));
    await images.import(path);
    await images.import(path, 'alias');
    await images.store.remove('alias', { letGo: () => Promise.reject(new Error('asked')) });
    expect(await images.contentOf('a')).toBe('A');
  });

  it('is the same after a restart, without what a crash left', async () => {
    await images.import(await images.archive(layoutFiles([await tinyImage('a', 'A')])));
    const before = (await images.store.list()).slice(1);
    await images.store.close();
    await mkdir(join(images.stagingDirectory, 'layer-left/d'), { recursive: true });
    await mkdir(join(images.layersDirectory, 'broken/d'), { recursive: true });
    const orphan = { diffId: `sha256:${'1'.repeat(64)}`, size: 1 };
    await mkdir(join(images.layersDirectory, '111111111111/d'), { recursive: true });
    await writeFile(join(images.layersDirectory, '111111111111/layer.json'), JSON.stringify(orphan));
    const written = join(images.stateDirectory, `images/.${crypto.randomUUID()}.tmp`);
    await writeFile(written, '{"version":1,');
    await images.open();
    expect(await readdir(join(images.stateDirectory, 'images'))).not.toContain(basename(written));
    expect((await images.store.list()).slice(1)).toEqual(before);
    expect(await images.contentOf('a')).toBe('A');
    expect(await readdir(images.layersDirectory)).toHaveLength(2);
    expect(await readdir(images.stagingDirectory)).toEqual([]);
  });

  it('gives two layers with the same first digits two directories', async () => {
    const image = await tinyImage('a', 'A');
    const taken = join(images.layersDirectory, sha256(image.layers[0]!).slice(7, 19));
    await mkdir(taken);
    await images.import(await images.archive(layoutFiles([image])));
    expect((await readdir(images.layersDirectory)).map((name) => name.length).sort()).toEqual([12, 12, 13]);
    expect(await images.contentOf('a')).toBe('A');
  });
});
