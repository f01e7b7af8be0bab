import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createImageStore, type LocalImageStore } from '../../../src/core/image/local-image-store.ts';
import { writeBusyboxImage } from '../../helpers/busybox-image.ts';
import {
  addBlob,
  addImage,
  type LayoutFiles,
  layoutFiles,
  newDockerSaveFiles,
  ociArchitecture,
  ociMediaTypes,
  oldDockerSaveFiles,
  sha256,
  type TestImage,
  tarOf,
  withIndex,
  writeArchive,
  writeFiles,
} from '../../helpers/image-files.ts';

const run = promisify(execFile);

let directory: string;
let state: string;
let store: LocalImageStore;

const openStore = (): Promise<LocalImageStore> =>
  createImageStore({ stateDir: state, log: pino({ level: 'silent' }) });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fsb-images-'));
  state = join(directory, 'state');
  store = await openStore();
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

const layersDirectory = (): string => join(state, 'images/layers');
const stagingDirectory = (): string => join(state, 'images/staging');

async function tinyImage(
  name: string | undefined,
  content: string,
  more: Partial<TestImage> = {},
): Promise<TestImage> {
  const base = await tarOf([{ name: 'base', content: 'shared' }]);
  return {
    name,
    layers: [base, await tarOf([{ name: 'file', content }])],
    config: { Cmd: ['run'] },
    ...more,
  };
}

async function contentOf(reference: string): Promise<string> {
  const { root } = await store.resolve(reference);
  return readFile(join(root.overlays[0]!.lower[0]!, 'file'), 'utf8');
}

/** What this process has open of the test's files. */
async function openFiles(): Promise<string[]> {
  const names = await readdir('/proc/self/fd');
  const paths = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return paths.filter((path) => path.startsWith(directory));
}

async function archive(files: LayoutFiles, compress?: (data: Buffer) => Buffer): Promise<string> {
  const path = join(directory, 'image.tar');
  await writeArchive(path, files, compress);
  return path;
}

describe('import', () => {
  it.each(['ociLayout', 'ociArchive', 'dockerSave'] as const)(
    'reads the busybox image from %s',
    async (format) => {
      const files = await writeBusyboxImage(directory);
      const [image] = await store.import(files[format]);
      expect(image).toMatchObject({ references: [files.name], architecture: ociArchitecture });
      expect(image!.size).toBeGreaterThan(500_000);
      const resolved = await store.resolve('busybox:test');
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
      expect(await readdir(stagingDirectory())).toEqual([]);
    },
  );

  it.each<[string, (images: TestImage[]) => LayoutFiles, ((data: Buffer) => Buffer) | undefined]>([
    ['an OCI archive', layoutFiles, undefined],
    ['a compressed OCI archive', layoutFiles, gzipSync],
    ['a docker-save tar of before docker 25', oldDockerSaveFiles, undefined],
    ['a compressed docker-save tar', oldDockerSaveFiles, gzipSync],
    ['a docker-save tar of docker 25', newDockerSaveFiles, undefined],
  ])('reads several images from %s', async (_title, files, compress) => {
    const path = await archive(
      files([await tinyImage('a:1', 'A'), await tinyImage('quay.io/b', 'B')]),
      compress,
    );
    const images = await store.import(path);
    expect(images.map(({ references }) => references)).toEqual([
      ['docker.io/library/a:1'],
      ['quay.io/b:latest'],
    ]);
    expect([await contentOf('a:1'), await contentOf('quay.io/b')]).toEqual(['A', 'B']);
    expect(await readdir(layersDirectory())).toHaveLength(3);
  });

  it.each(['oci-archive', 'docker-archive', 'oci', 'dir of zstd layers'])(
    'reads what skopeo writes: %s',
    async (format) => {
      const { ociLayout } = await writeBusyboxImage(directory);
      const target = join(directory, 'by-skopeo');
      const zstd = format === 'dir of zstd layers';
      const options = zstd ? ['--dest-compress-format', 'zstd', '--dest-compress'] : [];
      const destination = zstd ? `oci:${target}:x` : `${format}:${target}:registry.example.com/b:1`;
      await run('skopeo', ['copy', '--insecure-policy', ...options, `oci:${ociLayout}`, destination]);
      const [image] = await store.import(target, 'given');
      expect(image!.references).toEqual(['docker.io/library/given:latest']);
      if (!zstd) expect((await store.import(target))[0]!.references).toContain('registry.example.com/b:1');
    },
  );

  it('understands docker media types and plain layers', async () => {
    const image = await tinyImage('a', 'A', { dockerTypes: true, compress: (layer) => layer });
    await store.import(await archive(layoutFiles([image])));
    expect(await contentOf('a')).toBe('A');
  });

  it('follows the links of a docker-save tar in which a layer occurs twice', async () => {
    const files = oldDockerSaveFiles([await tinyImage('a', 'A')]);
    const source = join(directory, 'source');
    await writeFiles(source, files);
    const manifest = JSON.parse(files.get('manifest.json')!.toString());
    await mkdir(join(source, 'again'));
    await symlink(`../${manifest[0].Layers[0]}`, join(source, 'again/layer.tar'));
    manifest[0].Layers[0] = 'again/layer.tar';
    await writeFile(join(source, 'manifest.json'), JSON.stringify(manifest));
    await run('tar', ['-C', source, '-cf', join(directory, 'image.tar'), '.']);
    await store.import(join(directory, 'image.tar'));
    expect(await contentOf('a')).toBe('A');
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
    const [image] = await store.import(await archive(withIndex(files, [named])));
    expect(image).toMatchObject({ digest: own.digest, references: ['docker.io/library/tool:2'] });
  });

  it.each([true, false])('says so when there is none for this machine (index %s)', async (inIndex) => {
    const files: LayoutFiles = new Map();
    const other = addImage(files, await tinyImage('a', 'A', { architecture: 's390x' }));
    const described = inIndex ? { ...other, platform: { os: 'linux', architecture: 's390x' } } : other;
    const path = await archive(withIndex(files, [described]));
    await expect(store.import(path)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(new RegExp(`cannot import .*linux/s390x.*linux/${ociArchitecture}`)),
    });
  });

  it('takes the name that it is given, also together with tags of the file', async () => {
    await store.import(await archive(layoutFiles([await tinyImage('a', 'A')])), 'localhost:5000/x:7');
    expect(await contentOf('localhost:5000/x:7')).toBe('A');
    await expect(store.resolve('a')).rejects.toMatchObject({ code: 'not_found' });
    const tagged = [
      await tinyImage(undefined, 'B', { refName: '1' }),
      await tinyImage(undefined, 'C', { refName: '2' }),
    ];
    await store.import(await archive(layoutFiles(tagged)), 'y');
    expect([await contentOf('y:1'), await contentOf('y:2')]).toEqual(['B', 'C']);
  });

  it.each<[string, Partial<TestImage>[], string | undefined, string]>([
    ['an image without a name', [{}], undefined, 'has no name'],
    ['an image with a tag only', [{ refName: 'latest' }], undefined, 'only the tag latest'],
    ['one name for two', [{ name: 'a' }, { name: 'b', config: {} }], 'x', 'only one'],
    ['host', [{ name: 'a' }], 'host', 'built-in'],
    ['a wrong name', [{ name: 'a' }], 'No Name', 'invalid image name'],
    ['another digest', [{ name: 'a' }], `a@sha256:${'0'.repeat(64)}`, 'not sha256:0000'],
    ['no image at all', [], undefined, 'no image'],
  ])('refuses %s', async (_title, changes, name, reason) => {
    const images = await Promise.all(changes.map((change) => tinyImage(undefined, 'A', change)));
    const importing = store.import(await archive(layoutFiles(images)), name);
    await expect(importing).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(reason),
    });
    expect(await readdir(layersDirectory())).toEqual([]);
  });
});

describe('a broken image file', () => {
  const blob = (data: Buffer): string => `blobs/sha256/${sha256(data).slice(7)}`;

  it.each<[string, (files: LayoutFiles, image: TestImage) => void, string]>([
    [
      'a changed layer',
      (files, { layers }) => void files.set(blob(gzipSync(layers[1]!)), gzipSync(layers[0]!)),
      '',
    ],
    ['a missing layer', (files, { layers }) => void files.delete(blob(gzipSync(layers[1]!))), 'missing'],
    ['an index that is no JSON', (files) => void files.set('index.json', Buffer.from('{')), 'not JSON'],
    ['an index of another kind', (files) => void files.set('index.json', Buffer.from('[]')), 'not valid'],
    [
      'a layer that is not what the configuration says',
      (files, image) => {
        files.clear();
        const descriptor = addImage(files, { ...image, compress: () => gzipSync(image.layers[0]!) });
        withIndex(files, [{ ...descriptor, annotations: { 'io.containerd.image.name': 'a' } }]);
      },
      'damaged',
    ],
    [
      'a layer that is no gzip inside',
      (files, image) => {
        files.clear();
        const descriptor = addImage(files, {
          ...image,
          compress: (layer) => gzipSync(layer).subarray(0, 40),
        });
        withIndex(files, [{ ...descriptor, annotations: { 'io.containerd.image.name': 'a' } }]);
      },
      'gzip',
    ],
    [
      'something that is no image',
      (files, image) => {
        files.clear();
        const descriptor = addImage(files, { ...image, layerMediaType: 'application/wasm' });
        withIndex(files, [{ ...descriptor, annotations: { 'io.containerd.image.name': 'a' } }]);
      },
      'no layer of a container image',
    ],
  ])('%s: an error, and nothing stays', async (_title, breakIt, reason) => {
    const image = await tinyImage('a', 'A');
    const files = layoutFiles([image]);
    breakIt(files, image);
    const importing = store.import(await archive(files));
    await expect(importing).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(reason),
    });
    expect([await readdir(layersDirectory()), await readdir(stagingDirectory())]).toEqual([[], []]);
    expect((await store.list()).map(({ references }) => references)).toEqual([['host']]);
  });

  it.each<[string, (path: string) => Promise<unknown>, string]>([
    ['nothing there', async () => undefined, 'not_found'],
    ['an empty directory', (path) => mkdir(path), 'invalid_argument'],
    ['a text', (path) => writeFile(path, 'hello '.repeat(500)), 'invalid_argument'],
    ['an empty file', (path) => writeFile(path, ''), 'invalid_argument'],
    [
      'a damaged gzip',
      (path) => writeFile(path, Buffer.concat([gzipSync('x').subarray(0, 12)])),
      'invalid_argument',
    ],
    ['a FIFO', (path) => run('mkfifo', [path]), 'invalid_argument'],
  ])('%s', async (_title, make, code) => {
    const path = join(directory, 'thing');
    await make(path);
    await expect(store.import(path)).rejects.toMatchObject({
      code,
      message: expect.stringContaining('cannot import'),
    });
    expect(await readdir(stagingDirectory())).toEqual([]);
  });

  it('a layout that links out of itself', async () => {
    const path = join(directory, 'layout');
    await writeFiles(path, layoutFiles([]));
    await rm(join(path, 'index.json'));
    await symlink('/etc/passwd', join(path, 'index.json'));
    await expect(store.import(path)).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('stops when the store is closed, and starts nothing after that', async () => {
    const path = await archive(layoutFiles([await tinyImage('a', 'A')]), gzipSync);
    const importing = store.import(path).catch((error: unknown) => error);
    await store.close();
    expect(await importing).toMatchObject({ code: 'unavailable' });
    await expect(store.import(path)).rejects.toMatchObject({ code: 'unavailable' });
    expect([await readdir(layersDirectory()), await readdir(stagingDirectory())]).toEqual([[], []]);
  });

  it('stops when it is told to, and leaves nothing', async () => {
    const path = await archive(layoutFiles([await tinyImage('a', 'A')]));
    await expect(store.import(path, undefined, AbortSignal.abort())).rejects.toMatchObject({
      code: 'cancelled',
    });
    const controller = new AbortController();
    const importing = store.import(path, undefined, controller.signal);
    controller.abort();
    await expect(importing).rejects.toMatchObject({ code: 'cancelled' });
    await expect.poll(openFiles).toEqual([]);
    expect([await readdir(layersDirectory()), await readdir(stagingDirectory())]).toEqual([[], []]);
  });
});

describe('the store', () => {
  it('unpacks a layer once, also when several imports want it at the same time', async () => {
    const paths = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        const path = join(directory, `${name}.tar`);
        await writeArchive(path, layoutFiles([await tinyImage(name, name)]));
        return path;
      }),
    );
    await Promise.all([...paths, ...paths].map((path) => store.import(path)));
    expect(await readdir(layersDirectory())).toHaveLength(4);
    expect((await store.list()).map(({ references }) => references[0])).toEqual([
      'host',
      'docker.io/library/a:latest',
      'docker.io/library/b:latest',
      'docker.io/library/c:latest',
    ]);
  });

  it('goes on with its own layer when the import that it waited for fails', async () => {
    const image = await tinyImage('good', 'A');
    const good = join(directory, 'good.tar');
    await writeArchive(good, layoutFiles([image]));
    const bad = join(directory, 'bad.tar');
    const files = layoutFiles([{ ...image, name: 'bad' }]);
    files.set(`blobs/sha256/${sha256(gzipSync(image.layers[0]!)).slice(7)}`, Buffer.alloc(100));
    await writeArchive(bad, files);
    const [first, second] = await Promise.allSettled([store.import(bad), store.import(good)]);
    expect([first!.status, second!.status]).toEqual(['rejected', 'fulfilled']);
    expect(await contentOf('good')).toBe('A');
  });

  it('moves a name to the new image, and keeps the old one without it', async () => {
    const [old] = await store.import(await archive(layoutFiles([await tinyImage('a', 'old')])));
    await store.import(await archive(layoutFiles([await tinyImage('a', 'new')])));
    expect(await contentOf('a')).toBe('new');
    expect(await contentOf(old!.digest)).toBe('old');
    const listed = await store.list();
    expect(listed.find(({ digest }) => digest === old!.digest)!.references).toEqual([]);
    await store.remove(old!.digest);
    expect(await readdir(layersDirectory())).toHaveLength(2);
  });

  it('finds an image by every way to name it', async () => {
    const [image] = await store.import(await archive(layoutFiles([await tinyImage('a:1', 'A')])));
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
      expect((await store.resolve(name)).digest).toBe(digest);
    for (const name of ['a', 'a:2', `b@${digest}`, '0'.repeat(12)])
      await expect(store.resolve(name)).rejects.toMatchObject({ code: 'not_found' });
    await expect(store.resolve('A B')).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it.each([
    ['hots', 'Did you mean host? Bring it in with: fsb-ctl image import FILE hots:latest'],
    ['alpin', 'Did you mean alpine? Bring it in with: fsb-ctl image import FILE alpin:latest'],
    ['something', 'Bring it in with: fsb-ctl image import FILE something:latest'],
  ])('says how to get %s', async (name, hint) => {
    await store.import(await archive(layoutFiles([await tinyImage('alpine', 'A')])));
    await expect(store.resolve(name)).rejects.toMatchObject({ code: 'not_found', hint });
  });

  it('removes a name, the image with its last name, and layers that nobody shares', async () => {
    await store.import(await archive(layoutFiles([await tinyImage('a', 'A'), await tinyImage('b', 'B')])));
    const path = await archive(layoutFiles([await tinyImage('a', 'A')]));
    await store.import(path, 'alias');
    expect(await store.remove('alias')).toMatchObject({ references: ['docker.io/library/alias:latest'] });
    expect(await contentOf('a')).toBe('A');
    await store.remove('a');
    expect(await readdir(layersDirectory())).toHaveLength(2);
    expect(await contentOf('b')).toBe('B');
    await store.remove('b');
    expect([await readdir(layersDirectory()), await readdir(stagingDirectory())]).toEqual([[], []]);
    await expect(store.remove('b')).rejects.toMatchObject({ code: 'not_found' });
    await expect(store.remove('host')).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('does not remove what is held', async () => {
    const [image] = await store.import(await archive(layoutFiles([await tinyImage('a', 'A')])));
    const releases = [store.hold(image!.digest), store.hold(image!.digest)];
    await expect(store.remove('a')).rejects.toMatchObject({
      code: 'conflict',
      hint: expect.stringContaining('Delete'),
    });
    releases[0]!();
    releases[0]!();
    await expect(store.remove('a')).rejects.toMatchObject({ code: 'conflict' });
    releases[1]!();
    await store.remove('a');
    await expect(store.resolve('a')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('is the same after a restart, without what a crash left', async () => {
    await store.import(await archive(layoutFiles([await tinyImage('a', 'A')])));
    const before = (await store.list()).slice(1);
    await store.close();
    await mkdir(join(stagingDirectory(), 'layer-left/d'), { recursive: true });
    await mkdir(join(layersDirectory(), 'broken/d'), { recursive: true });
    const orphan = { diffId: `sha256:${'1'.repeat(64)}`, size: 1 };
    await mkdir(join(layersDirectory(), '111111111111/d'), { recursive: true });
    await writeFile(join(layersDirectory(), '111111111111/layer.json'), JSON.stringify(orphan));
    store = await openStore();
    expect((await store.list()).slice(1)).toEqual(before);
    expect(await contentOf('a')).toBe('A');
    expect(await readdir(layersDirectory())).toHaveLength(2);
    expect(await readdir(stagingDirectory())).toEqual([]);
  });

  it('gives two layers with the same first digits two directories', async () => {
    const image = await tinyImage('a', 'A');
    const taken = join(layersDirectory(), sha256(image.layers[0]!).slice(7, 19));
    await mkdir(taken);
    await store.import(await archive(layoutFiles([image])));
    expect((await readdir(layersDirectory())).map((name) => name.length).sort()).toEqual([12, 12, 13]);
    expect(await contentOf('a')).toBe('A');
  });

  it('refuses to start over a damaged list instead of losing every image', async () => {
    await writeFile(join(state, 'images/images.json'), '{"version":1,');
    await expect(openStore()).rejects.toMatchObject({
      code: 'internal',
      hint: expect.stringContaining('import'),
    });
  });
});
