import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { RootfsTerms } from '../../../src/core/model/image/image-requests.ts';
import { ociArchitecture, tarOf } from '../../helpers/image/image-files.ts';
import { useImageStore } from '../../helpers/image/image-store-fixture.ts';

const run = promisify(execFile);

const images = useImageStore();

const tiny = (): Promise<Buffer> => tarOf([{ name: 'file', content: 'hello' }]);

async function fileOf(content: Buffer | string): Promise<string> {
  const path = join(images.directory, 'root.tar');
  await writeFile(path, content);
  return path;
}

async function importRootfs(content: Buffer | string, name?: string, terms: Partial<RootfsTerms> = {}) {
  const path = await fileOf(content);
  return images.store.import({ source: { path }, name, rootfs: { changes: [], ...terms } });
}

describe('a tar of a root file system', () => {
  it('becomes an image of one layer, with what the changes say', async () => {
    const changes = ['CMD ["cat", "/file"]', 'ENV A=1', 'EXPOSE 80', 'WORKDIR /w', 'LABEL k=v', 'USER 1'];
    const [image] = await importRootfs(await tiny(), 'mine:1', { changes });
    expect(image).toMatchObject({
      references: ['docker.io/library/mine:1'],
      architecture: ociArchitecture,
      createdAt: 0,
    });
    const details = await images.store.inspect('mine:1');
    expect(details).toMatchObject({
      config: {
        ...{ cmd: ['cat', '/file'], env: ['A=1'], exposedPorts: [80], workingDir: '/w', user: '1' },
        labels: { k: 'v' },
      },
      history: [{ comment: expect.stringContaining('root file system') }],
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar' }],
    });
    expect(await images.contentOf('mine:1')).toBe('hello');
  });

  it('has the same digest each time, and another with other terms', async () => {
    const [first] = await importRootfs(await tiny(), 'a');
    const [again] = await importRootfs(await tiny(), 'b');
    expect(again!.digest).toBe(first!.digest);
    const [other] = await importRootfs(await tiny(), 'c', { changes: ['USER x'] });
    expect(other!.digest).not.toBe(first!.digest);
  });

  it('may be compressed, and is kept as it came', async () => {
    const plain = await tiny();
    const { stdout: zstd } = await run('sh', ['-c', `zstd --stdout --quiet "$0"`, await fileOf(plain)], {
      encoding: 'buffer',
    });
    // Of no meaning to those who only unpack; zstd:chunked has its table of contents in such frames.
    const skippable = Buffer.from('5e2a4d180400000074657874', 'hex');
    for (const [name, content, type = name] of [
      ['gzip', gzipSync(plain)],
      ['zstd', zstd],
      ['chunked', Buffer.concat([skippable, zstd, skippable]), 'zstd'],
    ] as const) {
      await importRootfs(content, name);
      const { layers } = await images.store.inspect(name);
      expect(layers).toMatchObject([
        { mediaType: `application/vnd.oci.image.layer.v1.tar+${type}`, size: content.length },
      ]);
      expect(await images.contentOf(name)).toBe('hello');
    }
  });

  it('may be for another machine', async () => {
    const [image] = await importRootfs(await tiny(), 'a', { platform: 'linux/arm/v7' });
    expect(image).toMatchObject({ architecture: 'arm', variant: 'v7' });
  });

  it('comes also as bytes, as every image does', async () => {
    const content = Readable.from([await tiny()]);
    const rootfs = { changes: [] };
    await images.store.import({ source: { content }, name: 'a', rootfs });
    expect(await images.contentOf('a')).toBe('hello');
    expect(await readdir(images.stagingDirectory)).toEqual([]);
  });

  it.each<[string, () => Promise<Buffer | string>, string | undefined, Partial<RootfsTerms>, string]>([
    ['without a name', tiny, undefined, {}, 'needs a name'],
    ['named host', tiny, 'host', {}, 'built-in'],
    ['with a wrong change', tiny, 'a', { changes: ['RUN true'] }, 'RUN'],
    ['for no platform', tiny, 'a', { platform: 'linux/vax' }, 'vax'],
    ['that is empty', async () => '', 'a', {}, 'empty'],
    ['that is no tar', async () => 'hello '.repeat(500), 'a', {}, 'cannot unpack'],
    ['that is cut', async () => (await tiny()).subarray(0, 514), 'a', {}, 'cannot unpack'],
    ['in xz', async () => Buffer.from('\xfd7zXZ\0 and so on', 'latin1'), 'a', {}, 'xz'],
    ['in bzip2', async () => 'BZh91AY', 'a', {}, 'bzip2'],
  ])('%s is refused, and nothing stays', async (_title, content, name, terms, reason) => {
    await expect(importRootfs(await content(), name, terms)).rejects.toMatchObject({
      code: expect.stringMatching(/invalid_argument|unsupported/),
      message: expect.stringContaining(reason),
    });
    expect(await images.leftovers()).toEqual([]);
  });

  it.each([
    ['that is missing', async () => undefined, 'not_found'],
    ['that is a directory', (path: string) => mkdir(path), 'invalid_argument'],
  ])('%s is refused', async (_title, make, code) => {
    const path = join(images.directory, 'thing');
    await make(path);
    const importing = images.store.import({ source: { path }, name: 'a', rootfs: { changes: [] } });
    await expect(importing).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`cannot import ${path}`),
    });
  });
});
