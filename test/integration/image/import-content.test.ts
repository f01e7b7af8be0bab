import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { layoutFiles, oldDockerSaveFiles } from '../../helpers/image/image-files.ts';
import { tinyImage, useImageStore } from '../../helpers/image/image-store-fixture.ts';

const images = useImageStore();

describe('an image that comes as bytes', () => {
  it('is as one from a file, and leaves no file', async () => {
    const path = await images.archive(layoutFiles([await tinyImage('a', 'A')]));
    const [image] = await images.store.import({ source: { content: createReadStream(path) }, name: 'b' });
    expect(image!.references).toEqual(['docker.io/library/b:latest']);
    expect(await images.contentOf('b')).toBe('A');
    await expect.poll(() => images.openFiles()).toEqual([]);
  });

  it('that are cut off: changes nothing', async () => {
    const whole = await readFile(await images.archive(layoutFiles([await tinyImage('a', 'A')])));
    async function* cut() {
      yield whole.subarray(0, whole.length >> 1);
      throw new Error('the client went away');
    }
    await expect(images.store.import({ source: { content: cut() } })).rejects.toMatchObject({
      message: expect.stringContaining('cannot import the image: the client went away'),
    });
    // Also when it looks like an end.
    const half = Readable.from([whole.subarray(0, 2000)]);
    await expect(images.store.import({ source: { content: half } })).rejects.toMatchObject({
      code: 'invalid_argument',
    });
    expect(await images.leftovers()).toEqual([]);
  });

  it('that nobody waits for any more: stops, and tells whoever sends them', async () => {
    const controller = new AbortController();
    let told = false;
    async function* endless() {
      try {
        for (;;) {
          yield Buffer.alloc(1000);
          controller.abort();
        }
      } finally {
        told = true;
      }
    }
    const importing = images.store.import({ source: { content: endless() } }, controller.signal);
    await expect(importing).rejects.toMatchObject({ code: 'cancelled' });
    await expect.poll(() => told).toBe(true);
    expect(await images.leftovers()).toEqual([]);
  });
});

describe('a docker-save tar', () => {
  it('gets a manifest, the same each time', async () => {
    const files = oldDockerSaveFiles([await tinyImage('a', 'A')]);
    const [first] = await images.import(await images.archive(files));
    const details = await images.store.inspect('a');
    expect(details.mediaType).toBe('application/vnd.oci.image.manifest.v1+json');
    expect(details.layers.map(({ digest, diffId }) => digest === diffId)).toEqual([true, true]);
    const [again] = await images.import(await images.archive(files), 'b');
    expect(again!.digest).toBe(first!.digest);
    expect(first!.digest).not.toBe(details.configDigest);
  });

  it('may have compressed layers', async () => {
    const { gzipSync } = await import('node:zlib');
    const files = oldDockerSaveFiles([await tinyImage('a', 'A')]);
    for (const [name, content] of files) if (name.endsWith('layer.tar')) files.set(name, gzipSync(content));
    await images.import(await images.archive(files));
    expect(await images.contentOf('a')).toBe('A');
    const { layers } = await images.store.inspect('a');
    expect(layers.map(({ mediaType }) => mediaType)).toEqual(
      Array(2).fill('application/vnd.oci.image.layer.v1.tar+gzip'),
    );
  });
});
