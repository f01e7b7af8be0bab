import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  addImage,
  type LayoutFiles,
  layoutFiles,
  sha256,
  type TestImage,
  withIndex,
  writeFiles,
} from '../../helpers/image/image-files.ts';
import { tinyImage, useImageStore } from '../../helpers/image/image-store-fixture.ts';

const run = promisify(execFile);

const images = useImageStore();

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
    [
      'an index that would fill the memory',
      (files) => {
        const padding = Buffer.alloc(9 * 1024 * 1024, ' ');
        files.set('index.json', Buffer.concat([files.get('index.json')!, padding]));
      },
      'larger than',
    ],
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
    const importing = images.import(await images.archive(files));
    await expect(importing).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(reason),
    });
    expect([await readdir(images.layersDirectory), await readdir(images.stagingDirectory)]).toEqual([[], []]);
    expect((await images.store.list()).map(({ references }) => references)).toEqual([['host']]);
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
    const path = join(images.directory, 'thing');
    await make(path);
    await expect(images.import(path)).rejects.toMatchObject({
      code,
      message: expect.stringContaining('cannot import'),
    });
    expect(await readdir(images.stagingDirectory)).toEqual([]);
  });

  it('a path that depends on where the core runs', async () => {
    await expect(images.import('image.tar')).rejects.toMatchObject({
      code: 'invalid_argument',
      message: 'cannot import image.tar: the path is not absolute',
    });
  });

  it('a layout that links out of itself', async () => {
    const path = join(images.directory, 'layout');
    await writeFiles(path, layoutFiles([]));
    await rm(join(path, 'index.json'));
    await symlink('/etc/passwd', join(path, 'index.json'));
    await expect(images.import(path)).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('stops when the store is closed, and starts nothing after that', async () => {
    const path = await images.archive(layoutFiles([await tinyImage('a', 'A')]), gzipSync);
    const importing = images.import(path).catch((error: unknown) => error);
    await images.store.close();
    expect(await importing).toMatchObject({ code: 'unavailable' });
    await expect(images.import(path)).rejects.toMatchObject({ code: 'unavailable' });
    expect([await readdir(images.layersDirectory), await readdir(images.stagingDirectory)]).toEqual([[], []]);
  });

  it('stops when it is told to, and leaves nothing', async () => {
    const path = await images.archive(layoutFiles([await tinyImage('a', 'A')]));
    await expect(images.import(path, undefined, AbortSignal.abort())).rejects.toMatchObject({
      code: 'cancelled',
    });
    const controller = new AbortController();
    const importing = images.import(path, undefined, controller.signal);
    controller.abort();
    await expect(importing).rejects.toMatchObject({ code: 'cancelled' });
    await expect.poll(() => images.openFiles()).toEqual([]);
    expect([await readdir(images.layersDirectory), await readdir(images.stagingDirectory)]).toEqual([[], []]);
  });
});
