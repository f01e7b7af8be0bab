import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import {
  layoutFiles,
  newDockerSaveFiles,
  oldDockerSaveFiles,
  tarOf,
} from '../../helpers/image/image-files.ts';
import { tinyImage, useImageStore } from '../../helpers/image/image-store-fixture.ts';

const run = promisify(execFile);

const images = useImageStore();

const rootTar = (): Promise<Buffer> => tarOf([{ name: './etc/passwd', content: 'root:x:0:0::/:/bin/sh\n' }]);

it.each([
  ['a tar', async (path: string) => writeFile(path, await rootTar())],
  ['a packed tar', async (path: string) => writeFile(path, gzipSync(await rootTar()))],
  ['a directory', async (path: string) => void (await mkdir(join(path, 'usr/bin'), { recursive: true }))],
])('%s of a root file system, imported as an image, says what is missing', async (_what, make) => {
  const path = join(images.directory, 'root');
  await make(path);
  await expect(images.import(path, 'a')).rejects.toMatchObject({
    code: 'invalid_argument',
    hint: expect.stringContaining('It looks like a root file system: add --rootfs --name NAME'),
  });
});

it('anything else says how image files are made', async () => {
  const path = join(images.directory, 'other.tar');
  await writeFile(path, await tarOf([{ name: 'notes.txt', content: 'x' }]));
  await expect(images.import(path)).rejects.toMatchObject({ hint: expect.stringContaining('docker save') });
});

const asRootfs = (path: string) =>
  images.store.import({ source: { path }, name: 'a', rootfs: { changes: [] } });

it.each([
  ['an OCI archive', layoutFiles],
  ['a docker-save tar', oldDockerSaveFiles],
  ['a docker-save tar of docker 25', newDockerSaveFiles],
])('%s, imported as a root file system, says that it is an image', async (_what, files) => {
  const path = await images.archive(files([await tinyImage('a:1', 'A')]));
  await expect(asRootfs(path)).rejects.toMatchObject({
    code: 'invalid_argument',
    hint: expect.stringContaining('Leave out --rootfs'),
  });
});

it.each(['oci-archive', 'docker-archive'])('what skopeo writes as %s, too', async (format) => {
  const path = await images.archive(layoutFiles([await tinyImage('a:1', 'A')]));
  const target = join(images.directory, 'by-skopeo');
  await run('skopeo', ['copy', '--insecure-policy', `oci-archive:${path}`, `${format}:${target}:a:1`]);
  await expect(asRootfs(target)).rejects.toMatchObject({ hint: expect.stringContaining('Leave out') });
});

it('a root file system may have such files', async () => {
  const path = join(images.directory, 'root.tar');
  const names = ['manifest.json', 'app/index.json', 'blobs/x'];
  await writeFile(path, await tarOf(names.map((name) => ({ name, content: 'x' }))));
  expect((await asRootfs(path))[0]!.references).toHaveLength(1);
  await writeFile(path, await tarOf([{ name: 'manifest.json', content: 'x' }]));
  expect((await asRootfs(path))[0]!.references).toHaveLength(1);
});
