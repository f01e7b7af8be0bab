import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { writeBusyboxImage } from '../../helpers/image/busybox-image.ts';
import { layoutFiles, newDockerSaveFiles, oldDockerSaveFiles } from '../../helpers/image/image-files.ts';
import { tinyImage, useImageStore } from '../../helpers/image/image-store-fixture.ts';

const run = promisify(execFile);

const images = useImageStore();

const save = (...references: string[]): Promise<Buffer> => buffer(images.store.save(references));

async function savedFile(...references: string[]): Promise<string> {
  const path = join(images.directory, 'saved.tar');
  await writeFile(path, await save(...references));
  return path;
}

async function memberOf(path: string, name: string): Promise<unknown> {
  const { stdout } = await run('tar', ['--extract', '--to-stdout', `--file=${path}`, name]);
  return JSON.parse(stdout);
}

const importTwo = async (): Promise<void> => {
  const files = layoutFiles([await tinyImage('a:1', 'A'), await tinyImage('quay.io/b/c', 'B')]);
  await images.import(await images.archive(files));
};

describe('save', () => {
  it.each([
    ['an OCI layout', layoutFiles],
    ['a docker-save tar', oldDockerSaveFiles],
    ['a docker-save tar of docker 25', newDockerSaveFiles],
  ])('gives back what came from %s, with its names and digests', async (_title, files) => {
    const [before] = await images.import(await images.archive(files([await tinyImage('a:1', 'A')])));
    const path = await savedFile('a:1');
    await images.store.remove('a:1');
    const [after] = await images.import(path);
    expect(after).toMatchObject({ digest: before!.digest, references: ['docker.io/library/a:1'] });
    expect(await images.contentOf('a:1')).toBe('A');
  });

  it('writes the same bytes each time, every blob once, and nothing that other tars have not', async () => {
    await importTwo();
    const path = await savedFile('a:1', 'quay.io/b/c');
    expect((await readFile(path)).equals(await save('a:1', 'quay.io/b/c'))).toBe(true);
    const { stdout } = await run('tar', ['--list', `--file=${path}`]);
    const names = stdout.trim().split('\n');
    expect(new Set(names).size).toBe(names.length);
    // Two manifests, two configurations, three layers of which one is in both.
    expect(names.filter((name) => /^blobs\/sha256\/[0-9a-f]{64}$/.test(name))).toHaveLength(7);
    const { stdout: listed } = await run('tar', ['--list', '--verbose', '--utc', `--file=${path}`]);
    expect(listed).toContain('1970-01-01');
  });

  it('names images for containerd, for skopeo, and for docker load', async () => {
    await importTwo();
    const path = await savedFile('a:1', 'quay.io/b/c');
    expect(await memberOf(path, 'index.json')).toMatchObject({
      manifests: [
        {
          annotations: {
            'io.containerd.image.name': 'docker.io/library/a:1',
            'org.opencontainers.image.ref.name': '1',
          },
        },
        { annotations: { 'io.containerd.image.name': 'quay.io/b/c:latest' } },
      ],
    });
    expect(await memberOf(path, 'manifest.json')).toMatchObject([
      {
        RepoTags: ['a:1'],
        Layers: [expect.stringMatching(/^blobs\/sha256\//), expect.stringMatching(/^blobs\/sha256\//)],
      },
      { RepoTags: ['quay.io/b/c:latest'] },
    ]);
  });

  it('gives an image only the names that were asked for', async () => {
    const archive = await images.archive(layoutFiles([await tinyImage('a:1', 'A')]));
    const [image] = await images.import(archive);
    await images.import(archive, 'a:2');
    const both = await memberOf(await savedFile('a:1', 'a:2', 'a:1'), 'manifest.json');
    expect(both).toMatchObject([{ RepoTags: ['a:1', 'a:2'] }]);
    const none = await savedFile(image!.digest);
    expect(await memberOf(none, 'manifest.json')).toMatchObject([{ RepoTags: [] }]);
    const [nameless] = await images.import(none);
    expect(nameless!.references).toHaveLength(2);
    await images.store.remove(image!.digest, { force: true });
    expect(await images.import(none)).toMatchObject([{ digest: image!.digest, references: [] }]);
    await images.import(none, 'again');
    expect(await images.contentOf('again')).toBe('A');
  });

  it.each(['oci-archive', 'docker-archive'])('is what skopeo reads as %s', async (format) => {
    const files = await writeBusyboxImage(images.directory);
    await images.import(files.ociArchive);
    const { digest, configDigest } = await images.store.inspect('busybox:test');
    const path = await savedFile('busybox:test');
    const target = join(images.directory, 'copied');
    await run('skopeo', ['copy', '--insecure-policy', `${format}:${path}`, `oci:${target}:x`]);
    const { stdout } = await run('skopeo', ['inspect', '--raw', `oci:${target}:x`]);
    // What has no manifest, as a docker-save, gets one from skopeo; the configuration stays.
    if (format === 'docker-archive') expect(JSON.parse(stdout).layers).toHaveLength(2);
    else expect(JSON.parse(stdout).config.digest).toBe(configDigest);
    const [copied] = await images.import(target, 'copied');
    if (format === 'oci-archive') expect(copied!.digest).toBe(digest);
    expect(await images.store.resolve('copied')).toMatchObject({ config: { cmd: ['sh'] } });
  });

  it('keeps what it reads from being removed', async () => {
    await importTwo();
    const whole = await save('a:1');
    const reading = images.store.save(['a:1'])[Symbol.asyncIterator]();
    const parts = [(await reading.next()).value as Buffer];
    await images.store.remove('a:1', { force: true });
    for (let next = await reading.next(); !next.done; next = await reading.next()) parts.push(next.value);
    expect(Buffer.concat(parts).equals(whole)).toBe(true);
    await expect.poll(() => images.store.resolve('a:1').catch(({ code }) => code)).toBe('image_not_found');
  });

  it('tells of a damaged blob, and says nothing false of the others', async () => {
    await importTwo();
    const { layers: stored } = await images.store.inspect('a:1');
    const path = images.blobPath(stored[1]!.digest);
    const content = await readFile(path);
    content[content.length >> 1]! ^= 1;
    await writeFile(path, content);
    await expect(save('a:1')).rejects.toMatchObject({
      ...{ code: 'bad_image', message: expect.stringContaining('damaged') },
      hint: 'Pull or import the image again.',
    });
    await expect(save('quay.io/b/c')).resolves.toBeInstanceOf(Buffer);
  });

  it('closes its files when nobody reads on, or the call is aborted', async () => {
    await importTwo();
    for await (const chunk of images.store.save(['a:1'])) if (chunk.length > 512) break;
    const controller = new AbortController();
    const reading = (async () => {
      for await (const _ of images.store.save(['a:1'], controller.signal)) controller.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
    await expect.poll(() => images.openFiles()).toEqual([]);
  });

  it.each([
    [['host'], 'invalid_argument'],
    [['nothing'], 'image_not_found'],
    [['a:1', 'Wrong Name'], 'invalid_argument'],
    [[], 'invalid_argument'],
  ])('refuses %j', async (references, code) => {
    await importTwo();
    await expect(save(...references)).rejects.toMatchObject({ code });
  });
});
