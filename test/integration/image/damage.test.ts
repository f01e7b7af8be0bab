import { mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { errorOf } from '../../contract/workbench.ts';
import { bytesOf, digestOf } from '../../helpers/image/content-fixture.ts';
import { useContent } from '../../helpers/image/use-content.ts';

const fixture = useContent();
const REPOSITORY = 'docker.io/library/a';
const list = (): string => join(fixture.root, 'images.json');
const names = async (): Promise<string[]> => (await fixture.images()).flatMap(({ references }) => references);
const layerJson = async (diffId: string): Promise<string> =>
  join(fixture.root, 'layers', diffId.slice('sha256:'.length).slice(0, 12), 'layer.json');

describe('layers that somebody has removed under the core', () => {
  beforeEach(async () => {
    await fixture.put({ references: [`${REPOSITORY}:1`], layers: ['A'] });
    await fixture.put({ references: [`${REPOSITORY}:2`], layers: ['A', 'B'] });
    await rm(join(fixture.root, 'layers'), { recursive: true });
    await mkdir(join(fixture.root, 'layers'));
  });

  it('keep no image from being removed', async () => {
    for (const name of ['a:1', 'a:2'])
      expect(await fixture.store.remove(name)).toMatchObject({
        deleted: true,
        untagged: [`${REPOSITORY}:${name.slice(2)}`],
      });
    expect([await names(), await fixture.bytes()]).toEqual([[], 0]);
  });

  it('come again with their image', async () => {
    await fixture.put({ references: [`${REPOSITORY}:2`], layers: ['A', 'B'] });
    for (const name of ['a:1', 'a:2']) {
      const { lower } = (await fixture.store.resolve(name)).root.overlays[0]!;
      expect(await readFile(join(lower.at(-1)!, 'file'), 'utf8')).toBe('A');
    }
  });
});

describe('a layer whose description cannot be read', () => {
  const diffId = digestOf('A');
  beforeEach(async () => {
    await fixture.put({ references: [`${REPOSITORY}:1`], repoDigests: [], layers: ['A'] });
  });

  it.each([
    ['for now', async (path: string) => rm(path).then(() => mkdir(path))],
    ['because it is torn', (path: string) => truncate(path, 3)],
    ['because it is gone', (path: string) => rm(path)],
  ])('%s stays below what runs on it, and its image says so and can come again', async (_, damage) => {
    await damage(await layerJson(diffId));
    await fixture.reopen();
    expect(await fixture.files('layers')).toHaveLength(1);
    expect(await errorOf(fixture.store.resolve('a:1'))).toMatchObject({
      message: 'image a:1 has lost a layer',
      hint: 'Import it again from its file.',
    });
    await fixture.put({ references: [`${REPOSITORY}:1`], layers: ['A'] });
    const [lower] = (await fixture.store.resolve('a:1')).root.overlays[0]!.lower;
    expect(await readFile(join(lower!, 'file'), 'utf8')).toBe('A');
    await fixture.store.remove('a:1');
    expect([await fixture.files('layers'), await fixture.bytes()]).toEqual([[], 0]);
  });

  it('of an image that was pulled is to be pulled again', async () => {
    const repoDigests = [`${REPOSITORY}@${digestOf('index')}`];
    await fixture.put({ references: [`${REPOSITORY}:2`], repoDigests, layers: ['B'] });
    await rm(await layerJson(digestOf('B')));
    await fixture.reopen();
    expect(await errorOf(fixture.store.resolve('a:2'))).toMatchObject({
      hint: 'Pull it again: fsb-ctl image pull a:2',
    });
  });

  it('is there once more when it can be read again after it came again, and goes with its image', async () => {
    const path = await layerJson(diffId);
    await rename(path, `${path}.away`);
    await fixture.reopen();
    await fixture.put({ references: [`${REPOSITORY}:1`], layers: ['A'] });
    await rename(`${path}.away`, path);
    await fixture.reopen();
    expect(await fixture.files('layers')).toHaveLength(2);
    await fixture.store.remove('a:1');
    expect(await fixture.files('layers')).toEqual([]);
  });
});

describe('a list of images that cannot be read', () => {
  beforeEach(async () => {
    await fixture.put({ references: [`${REPOSITORY}:1`], layers: ['A'] });
    await fixture.put({ references: [`${REPOSITORY}:2`], layers: ['B'] });
  });

  it.each([
    ['torn', (text: string) => text.slice(0, 20)],
    ['of a later version', (text: string) => text.replace('"version":2', '"version":9')],
    ['empty', () => ''],
  ])('%s is set aside, and the one before it is used', async (_, edit) => {
    const text = edit(await readFile(list(), 'utf8'));
    await rm(list());
    await writeFile(list(), text);
    await fixture.reopen();
    expect(await names()).toEqual([`${REPOSITORY}:1`]);
    const aside = (await readdir(fixture.root)).find((name) => name.startsWith('images.json.damaged-'));
    expect(await readFile(join(fixture.root, aside!), 'utf8')).toBe(text);
    // What it had, something may run on.
    expect(await fixture.files('layers')).toHaveLength(2);
    await fixture.put({ references: [`${REPOSITORY}:2`], layers: ['B'] });
    expect(await names()).toEqual([`${REPOSITORY}:1`, `${REPOSITORY}:2`]);
  });

  it('and none before it: starts with no images, and keeps everything until somebody prunes', async () => {
    for (const path of [list(), `${list()}.previous`]) {
      await rm(path);
      await writeFile(path, '{"version":2,"images":[');
    }
    await fixture.reopen();
    const running = fixture.store.hold(digestOf('an image that was on the list'));
    expect(await names()).toEqual([]);
    await fixture.put({ references: [`${REPOSITORY}:3`], layers: ['A', 'C'] });
    await fixture.store.sweep();
    await fixture.clock.advance(100 * 3_600_000);
    await fixture.store.prune({ all: true });
    running();
    await fixture.reopen();
    await fixture.store.sweep();
    expect((await fixture.files('layers')).length).toBeGreaterThanOrEqual(2);
    await fixture.store.prune({ all: true });
    expect([await fixture.files('layers'), await fixture.bytes()]).toEqual([[], 0]);
  });

  it('is not missed when it was set aside, and the core ended before it wrote another', async () => {
    await rm(list());
    await fixture.reopen();
    expect(await names()).toEqual([`${REPOSITORY}:1`]);
    await fixture.reopen();
    expect(await names()).toEqual([`${REPOSITORY}:1`]);
  });
});

describe('after a loss of power', () => {
  it('blobs and layers that no image has are not believed', async () => {
    const { digest, layers } = await fixture.bring({ layers: ['A'] });
    const blob = layers[0]!;
    await truncate(fixture.content.blobs.pathOf(blob.digest)!, 3);
    await truncate(join(fixture.content.layers.pathOf(blob.diffId)!, 'file'), 0);
    await fixture.reopen();
    const { blobs } = fixture.content;
    expect([blobs.pathOf(blob.digest), blobs.pathOf(digest)]).toEqual([undefined, undefined]);
    expect(fixture.content.layers.pathOf(blob.diffId)).toBeUndefined();
    let asked = -1;
    const path = await blobs.ensure(blob, (offset) => {
      asked = offset;
      return bytesOf(Buffer.from('packed A').subarray(offset));
    });
    expect([asked, await readFile(path, 'utf8')]).toEqual([3, 'packed A']);
  });
});

describe('a hold', () => {
  it('is of an image that is here', async () => {
    const { digest } = await fixture.put({ references: [`${REPOSITORY}:1`], layers: ['A'] });
    const host = (await fixture.store.resolve('host')).digest;
    await fixture.store.sweep();
    for (const one of [digest, host]) fixture.store.hold(one)();
    await fixture.store.remove('a:1');
    for (const one of [digest, digestOf('never was here')])
      expect(() => fixture.store.hold(one)).toThrow(expect.objectContaining({ code: 'image_not_found' }));
  });

  it('is given of an image that came again while its content was still going', async () => {
    const layers = ['A'];
    const { digest } = await fixture.put({ references: [`${REPOSITORY}:1`], layers });
    await fixture.store.sweep();
    const { drop } = fixture.content;
    let release = (): void => {};
    fixture.content.drop = async (record) => {
      await fixture.put({ references: [`${REPOSITORY}:1`], layers });
      // Not there is not the answer to whoever has just pulled it.
      await fixture.store.resolve('a:1');
      release = fixture.store.hold(digest);
      return drop.call(fixture.content, record);
    };
    await fixture.store.remove('a:1');
    const [lower] = (await fixture.store.resolve('a:1')).root.overlays[0]!.lower;
    expect(await readFile(join(lower!, 'file'), 'utf8')).toBe('A');
    release();
  });
});

describe('a removal', () => {
  it('asks to let go also when an image has come to go whole only meanwhile', async () => {
    const { digest } = await fixture.put({
      references: [`${REPOSITORY}:1`, `${REPOSITORY}:2`],
      layers: ['A'],
    });
    const asked: string[] = [];
    const letGo = async (one: string): Promise<void> => void asked.push(one);
    await Promise.all([fixture.store.remove('a:1', { letGo }), fixture.store.remove('a:2', { letGo })]);
    expect(asked).toEqual([digest]);
  });
});

describe('an image without a layer', () => {
  it('has an empty directory below it', async () => {
    await fixture.put({ references: [`${REPOSITORY}:1`], layers: [] });
    const { lower } = (await fixture.store.resolve('a:1')).root.overlays[0]!;
    expect(await Promise.all(lower.map((path) => readdir(path)))).toEqual([[]]);
  });
});
