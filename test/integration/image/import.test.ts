import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { shortDigest } from '../../../src/core/model/image/digest.ts';
import type { LayerProgress } from '../../../src/core/model/image/pull.ts';
import { writeBusyboxImage } from '../../helpers/image/busybox-image.ts';
import {
  addBlob,
  addImage,
  type LayoutFiles,
  layoutFiles,
  newDockerSaveFiles,
  ociArchitecture,
  ociMediaTypes,
  oldDockerSaveFiles,
  type TestImage,
  withIndex,
  writeFiles,
} from '../../helpers/image/image-files.ts';
import { tinyImage, useImageStore } from '../../helpers/image/image-store-fixture.ts';

const run = promisify(execFile);

const images = useImageStore();

describe('import', () => {
  it.each(['ociLayout', 'ociArchive', 'dockerSave'] as const)(
    'reads the busybox image from %s',
    async (format) => {
      const files = await writeBusyboxImage(images.directory);
      const [image] = await images.import(files[format]);
      expect(image).toMatchObject({ references: [files.name], architecture: ociArchitecture });
      expect(image!.size).toBeGreaterThan(500_000);
      const resolved = await images.store.resolve('busybox:test');
      expect(resolved).toMatchObject({
        reference: files.name,
        digest: image!.digest,
        config: { cmd: ['sh'] },
      });
      expect(resolved.root.overlays).toHaveLength(1);
      const [accounts, programs] = resolved.root.overlays[0]!.lower;
      expect(existsSync(join(accounts!, 'etc/passwd'))).toBe(true);
      const { stdout } = await run(join(programs!, 'bin/busybox'), ['echo', 'works']);
      expect(stdout).toBe('works\n');
      expect(await readdir(images.stagingDirectory)).toEqual([]);
    },
  );

  it.each<[string, (images: TestImage[]) => LayoutFiles, ((data: Buffer) => Buffer) | undefined]>([
    ['an OCI archive', layoutFiles, undefined],
    ['a compressed OCI archive', layoutFiles, gzipSync],
    ['a docker-save tar of before docker 25', oldDockerSaveFiles, undefined],
    ['a compressed docker-save tar', oldDockerSaveFiles, gzipSync],
    ['a docker-save tar of docker 25', newDockerSaveFiles, undefined],
  ])('reads several images from %s', async (_title, files, compress) => {
    const path = await images.archive(
      files([await tinyImage('a:1', 'A'), await tinyImage('quay.io/b', 'B')]),
      compress,
    );
    const imported = await images.import(path);
    expect(imported.map(({ references }) => references)).toEqual([
      ['docker.io/library/a:1'],
      ['quay.io/b:latest'],
    ]);
    expect([await images.contentOf('a:1'), await images.contentOf('quay.io/b')]).toEqual(['A', 'B']);
    expect(await readdir(images.layersDirectory)).toHaveLength(3);
  });

  // skopeo and zstd come with scripts/setup.sh; apt-get install skopeo zstd
  it.each(['oci-archive', 'docker-archive', 'oci', 'dir of zstd layers'])(
    'reads what skopeo writes: %s',
    async (format) => {
      const { ociLayout } = await writeBusyboxImage(images.directory);
      const target = join(images.directory, 'by-skopeo');
      const zstd = format === 'dir of zstd layers';
      const options = zstd ? ['--dest-compress-format', 'zstd', '--dest-compress'] : [];
      const destination = zstd ? `oci:${target}:x` : `${format}:${target}:registry.example.com/b:1`;
      await run('skopeo', ['copy', '--insecure-policy', ...options, `oci:${ociLayout}`, destination]);
      const [image] = await images.import(target, 'given');
      expect(image!.references).toEqual(['docker.io/library/given:latest']);
      if (!zstd) expect((await images.import(target))[0]!.references).toContain('registry.example.com/b:1');
    },
  );

  it('understands docker media types and plain layers', async () => {
    const image = await tinyImage('a', 'A', { dockerTypes: true, compress: (layer) => layer });
    await images.import(await images.archive(layoutFiles([image])));
    expect(await images.contentOf('a')).toBe('A');
  });

  it('follows the links of a docker-save tar in which a layer occurs twice', async () => {
    const files = oldDockerSaveFiles([await tinyImage('a', 'A')]);
    const source = join(images.directory, 'source');
    await writeFiles(source, files);
    const manifest = JSON.parse(files.get('manifest.json')!.toString());
    await mkdir(join(source, 'again'));
    await symlink(`../${manifest[0].Layers[0]}`, join(source, 'again/layer.tar'));
    manifest[0].Layers[0] = 'again/layer.tar';
    await writeFile(join(source, 'manifest.json'), JSON.stringify(manifest));
    await run('tar', ['-C', source, '-cf', join(images.directory, 'image.tar'), '.']);
    await images.import(join(images.directory, 'image.tar'));
    expect(await images.contentOf('a')).toBe('A');
  });

  it('picks the variant for this machine, and leaves attestations alone', async () => {
    const files: LayoutFiles = new Map();
    const other = { ...addImage(files, await tinyImage(undefined, 'S', { architecture: 's390x' })) };
    const own = { ...addImage(files, await tinyImage(undefined, 'own')) };
    const manifests = [
      { ...other, platform: { os: 'linux', architecture: 's390x' } },
      {
        ...own,
        platform: { os: 'unknown', architecture: 'unknown' },
        annotations: { 'vnd.docker.reference.type': 'x' },
      },
      { ...own, platform: { os: 'linux', architecture: ociArchitecture } },
    ];
    const index = addBlob(
      files,
      ociMediaTypes.index,
      Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })),
    );
    const named = { ...index, annotations: { 'org.opencontainers.image.ref.name': 'tool:2' } };
    const [image] = await images.import(await images.archive(withIndex(files, [named])));
    expect(image).toMatchObject({ digest: own.digest, references: ['docker.io/library/tool:2'] });
  });

  it.each([true, false])('says so when there is none for this machine (index %s)', async (inIndex) => {
    const files: LayoutFiles = new Map();
    const other = addImage(files, await tinyImage('a', 'A', { architecture: 's390x' }));
    const described = inIndex ? { ...other, platform: { os: 'linux', architecture: 's390x' } } : other;
    const path = await images.archive(withIndex(files, [described]));
    await expect(images.import(path)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(new RegExp(`cannot import .*linux/s390x.*linux/${ociArchitecture}`)),
    });
  });

  it('takes the name that it is given, also together with tags of the file', async () => {
    await images.import(await images.archive(layoutFiles([await tinyImage('a', 'A')])), 'localhost:5000/x:7');
    expect(await images.contentOf('localhost:5000/x:7')).toBe('A');
    await expect(images.store.resolve('a')).rejects.toMatchObject({ code: 'image_not_found' });
    const tagged = [
      await tinyImage(undefined, 'B', { refName: '1' }),
      await tinyImage(undefined, 'C', { refName: '2' }),
    ];
    await images.import(await images.archive(layoutFiles(tagged)), 'y');
    expect([await images.contentOf('y:1'), await images.contentOf('y:2')]).toEqual(['B', 'C']);
  });

  it('takes an image without a name in as docker load does: it is known by its digest, and nothing loses it', async () => {
    const archive = await images.archive(layoutFiles([await tinyImage(undefined, 'A')]));
    const [image] = await images.import(archive);
    expect(image).toMatchObject({ references: [], repoDigests: [] });
    await images.store.sweep();
    await images.store.close();
    await images.open({ grace: 0 });
    expect(await images.contentOf(image!.digest)).toBe('A');
    expect(await images.contentOf(image!.digest.slice(7, 19))).toBe('A');
    const { removed } = await images.store.prune({ all: false });
    expect(removed.map(({ image: { digest } }) => digest)).toEqual([image!.digest]);
    expect(await readdir(images.layersDirectory)).toEqual([]);
  });

  it('tells how far every layer is', async () => {
    const path = await images.archive(layoutFiles([await tinyImage('a:1', 'A')]));
    const told: LayerProgress[] = [];
    const onLayer = (layer: LayerProgress): void => void told.push(layer);
    const [image] = await images.store.import({ source: { path } }, undefined, onLayer);
    const { layers } = await images.store.inspect(image!.digest);
    for (const { digest, size } of layers) {
      const states = told.filter(({ id }) => id === shortDigest(digest)).map(({ state }) => state);
      expect([...new Set(states)]).toEqual(['waiting', 'downloading', 'downloaded', 'unpacking', 'done']);
      expect(told.every(({ total }) => total > 0 && size > 0)).toBe(true);
    }
    told.length = 0;
    await images.store.import({ source: { path } }, undefined, onLayer);
    expect(new Set(told.map(({ state }) => state))).toEqual(new Set(['present']));
  });

  it('leaves the names of an image that comes again without one', async () => {
    await images.import(await images.archive(layoutFiles([await tinyImage('a:1', 'A')])));
    const [again] = await images.import(await images.archive(layoutFiles([await tinyImage(undefined, 'A')])));
    expect(again).toMatchObject({ references: ['docker.io/library/a:1'], loaded: [] });
  });

  it('tells which of the names of an image came in with it', async () => {
    const archive = await images.archive(layoutFiles([await tinyImage('a:1', 'A')]));
    const [first] = await images.import(archive);
    expect(first!.loaded).toEqual(['docker.io/library/a:1']);
    const [renamed] = await images.import(archive, 'b:2');
    expect(renamed).toMatchObject({
      references: ['docker.io/library/a:1', 'docker.io/library/b:2'],
      loaded: ['docker.io/library/b:2'],
    });
  });

  it.each<[string, Partial<TestImage>[], string | undefined, string]>([
    ['an image with a tag only', [{ refName: 'latest' }], undefined, 'only the tag latest'],
    ['one name for two', [{ name: 'a' }, { name: 'b', config: {} }], 'x', 'only one'],
    ['host', [{ name: 'a' }], 'host', 'built-in'],
    ['a wrong name', [{ name: 'a' }], 'No Name', 'invalid image name'],
    ['another digest', [{ name: 'a' }], `a@sha256:${'0'.repeat(64)}`, 'not sha256:0000'],
    ['no image at all', [], undefined, 'no image'],
  ])('refuses %s', async (_title, changes, name, reason) => {
    const wrong = await Promise.all(changes.map((change) => tinyImage(undefined, 'A', change)));
    const importing = images.import(await images.archive(layoutFiles(wrong)), name);
    await expect(importing).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(reason),
    });
    expect(await readdir(images.layersDirectory)).toEqual([]);
  });
});
