import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { addImage, tarOf } from '../../helpers/image/image-files.ts';
import { tinyImage } from '../../helpers/image/image-store-fixture.ts';
import { inChunks } from '../../helpers/image/memory-registry.ts';
import { pulled, usePullFixture } from '../../helpers/image/pull-fixture.ts';

const images = usePullFixture();

const partials = (): Promise<string[]> => readdir(join(images.stateDirectory, 'images/partial'));

/** An image with one layer that does not shrink, of some chunks, and what it is called. */
async function addLarge(tag: string): Promise<string> {
  const layers = [await tarOf([{ name: 'file', content: `${tag} `.repeat(5000) }])];
  const large = addImage(
    images.files,
    await tinyImage(undefined, '', { layers, compress: (plain) => plain }),
  );
  images.registries.tag(tag, large);
  return `large:${tag}`;
}

/** Blobs stop after some bytes, until go() is called. */
function holdUp(after: number): { reached: Promise<void>; go: () => void } {
  let go!: () => void;
  const gone = new Promise<void>((resolve) => (go = resolve));
  let reach!: () => void;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  images.registries.script = async function* (bytes, { size }, { signal }) {
    if (size < 10_000) return yield* inChunks(bytes);
    yield* inChunks(bytes.subarray(0, after));
    reach();
    await Promise.race([gone, new Promise((resolve) => signal?.addEventListener('abort', resolve))]);
    if (signal?.aborted) throw FsbError.from(signal.reason);
    yield* inChunks(bytes.subarray(after));
  };
  return { reached, go };
}

describe('pulls at the same time', () => {
  it('200 of one image ask once for each thing', async () => {
    const done = await Promise.all(Array.from({ length: 200 }, () => images.pull('tiny')));
    expect(new Set(done.map(({ image }) => image.digest)).size).toBe(1);
    // The index, the manifest, the configuration, two layers.
    expect(images.registries.requests).toHaveLength(5);
  });

  it('of different images read a layer of both once, and both see it come', async () => {
    const layers = [await tarOf([{ name: 'file', content: 'shared '.repeat(5000) }])];
    for (const tag of ['1', '2']) {
      const image = await tinyImage(undefined, '', {
        layers,
        config: { Cmd: [tag] },
        compress: (plain) => plain,
      });
      images.registries.tag(tag, addImage(images.files, image));
    }
    const { reached, go } = holdUp(10_000);
    const first = images.pull('a:1');
    await reached;
    const second = images.store.pull({ reference: 'a:2' })[Symbol.asyncIterator]();
    let seen = await second.next();
    while (seen.value?.kind !== 'layer' || seen.value.layer.state !== 'downloading')
      seen = await second.next();
    go();
    const both = await Promise.all([first, pulled({ [Symbol.asyncIterator]: () => second })]);
    expect(both.map(({ upToDate }) => upToDate)).toEqual([false, false]);
    const large = images.registries.requests.filter((request) => request.startsWith('blob'));
    expect(large).toHaveLength(3);
  });

  it('goes on when one of two leaves', async () => {
    const name = await addLarge('x');
    const { reached, go } = holdUp(10_000);
    const controller = new AbortController();
    const leaving = images.pull(name, controller.signal);
    const staying = images.pull(name);
    await reached;
    controller.abort();
    await expect(leaving).rejects.toMatchObject({ code: 'cancelled' });
    go();
    expect((await staying).image.references).toEqual(['docker.io/library/large:x']);
    expect(images.registries.count('tag')).toBe(1);
  });
});

describe('an image that is removed while it is pulled again', () => {
  it.each([0, 1, 2, 5, 10, 20])('is whole or not there (%i turns later)', async (turns) => {
    await images.pull('tiny');
    const pulling = images.pull('tiny');
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    await images.store.remove('tiny').catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'image_not_found' });
    });
    await pulling;
    const there = await images.store.resolve('tiny').catch(() => undefined);
    if (there !== undefined) {
      expect(await images.contentOf('tiny')).toBe('A');
      expect((await buffer(images.store.save(['tiny']))).length).toBeGreaterThan(0);
    }
    expect((await images.pull('tiny')).image.digest).toBe(images.manifest.digest);
    expect(await images.contentOf('tiny')).toBe('A');
    expect(await images.leftovers()).toEqual([]);
  });
});

describe('a pull that is aborted', () => {
  it('leaves nothing but what came of blobs; the next one asks for the rest', async () => {
    const name = await addLarge('x');
    const { reached } = holdUp(10_000);
    const controller = new AbortController();
    const pulling = images.pull(name, controller.signal);
    await reached;
    controller.abort();
    await expect(pulling).rejects.toMatchObject({ code: 'cancelled' });
    await expect.poll(() => images.openFiles()).toEqual([]);
    const left = await images.leftovers();
    expect(left.filter((path) => !path.startsWith('partial/') && !path.startsWith('blobs/'))).toEqual([]);
    expect(await partials()).toHaveLength(1);

    images.registries.requests.length = 0;
    images.registries.script = (bytes) => inChunks(bytes);
    await images.pull(name);
    const blobs = images.registries.requests.filter((request) => request.startsWith('blob'));
    expect(blobs.map((request) => request.split(' ')[2])).toContain('10000');
    expect(await partials()).toEqual([]);
    expect(await images.contentOf(name)).toContain('x x');
    expect(await images.leftovers()).toEqual([]);
  });

  it('and one that begins meanwhile waits for its end', async () => {
    const name = await addLarge('x');
    const { reached } = holdUp(10_000);
    const controller = new AbortController();
    const pulling = images.pull(name, controller.signal).catch((error: unknown) => error);
    await reached;
    controller.abort();
    images.registries.script = (bytes) => inChunks(bytes);
    expect((await images.pull(name)).upToDate).toBe(false);
    expect(await pulling).toMatchObject({ code: 'cancelled' });
    expect(images.registries.count('tag')).toBe(2);
  });

  it('by the end of the store: waits until nothing is open', async () => {
    const name = await addLarge('x');
    const { reached } = holdUp(10_000);
    const pulling = images.pull(name).catch((error: unknown) => error);
    await reached;
    await images.store.close();
    expect(await images.openFiles()).toEqual([]);
    expect(await pulling).toMatchObject({ code: 'unavailable' });
    await expect(images.pull(name)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('by a failure of one layer ends the others too, before it says so', async () => {
    const layers = await Promise.all(
      ['a', 'b'].map((name) => tarOf([{ name, content: `${name} `.repeat(5000) }])),
    );
    const image = await tinyImage(undefined, '', { layers, compress: (plain) => plain });
    images.registries.tag('two', addImage(images.files, image));
    let waiting = 0;
    images.registries.script = async function* (bytes, { size }, { signal }) {
      if (size < 10_000) return yield* inChunks(bytes);
      yield bytes.subarray(0, 1000);
      waiting += 1;
      if (waiting === 2) throw new FsbError('unavailable', 'the registry is gone');
      await new Promise((resolve) => signal!.addEventListener('abort', resolve));
      waiting = 0;
      throw FsbError.from(signal!.reason);
    };
    await expect(images.pull('x:two')).rejects.toMatchObject({
      code: 'unavailable',
      message: 'cannot pull x:two: the registry is gone',
    });
    expect([waiting, await images.openFiles()]).toEqual([0, []]);
    expect(await partials()).toHaveLength(2);
  });
});
