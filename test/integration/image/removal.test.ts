import { beforeEach, describe, expect, it } from 'vitest';
import type { ImageRecord } from '../../../src/core/image/content/image-records.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { errorOf } from '../../contract/workbench.ts';
import { digestOf } from '../../helpers/image/content-fixture.ts';
import { useContent } from '../../helpers/image/use-content.ts';

const fixture = useContent();
const REPOSITORY = 'docker.io/library/a';
const INDEX = digestOf('an index');

const names = async (): Promise<string[][]> =>
  (await fixture.images()).map(({ references, repoDigests }) => [...references, ...repoDigests]);

describe('an image that was pulled', () => {
  let image: ImageRecord;
  const put = (): Promise<ImageRecord> =>
    fixture.put({
      ...{ references: [`${REPOSITORY}:1`, `${REPOSITORY}:2`], repoDigests: [`${REPOSITORY}@${INDEX}`] },
      layers: ['A', 'B'],
    });
  beforeEach(async () => {
    image = await put();
  });

  it('is found by the digests of its index and of its manifest, with and without a tag', async () => {
    for (const [text, reference] of [
      [`a@${INDEX}`, `${REPOSITORY}@${INDEX}`],
      [`a:9@${INDEX}`, `${REPOSITORY}@${INDEX}`],
      [`a@${image.digest}`, `${REPOSITORY}:1`],
      [`a:9@${image.digest}`, `${REPOSITORY}:1`],
      [INDEX, `${REPOSITORY}:1`],
      [image.digest, `${REPOSITORY}:1`],
      ['a:2', `${REPOSITORY}:2`],
    ] as const)
      expect(await fixture.store.resolve(text)).toMatchObject({ digest: image.digest, reference });
    for (const text of [`b@${INDEX}`, `a@${digestOf('other')}`])
      expect(await errorOf(fixture.store.resolve(text))).toMatchObject({ code: 'image_not_found' });
  });

  it('by its digest alone has no tag, and is known by the digest', async () => {
    const repoDigests = [`${REPOSITORY}@${digestOf('other')}`];
    const { digest } = await fixture.put({ repoDigests, layers: ['C'] });
    expect(await fixture.store.resolve(digest)).toMatchObject({ reference: repoDigests[0] });
    expect(await fixture.store.remove(`a@${digestOf('other')}`)).toMatchObject({
      ...{ untagged: repoDigests, deleted: true },
    });
  });

  it('loses the digests of a repository with its last tag of it', async () => {
    await fixture.put({ references: ['quay.io/b:1'], layers: ['A', 'B'] });
    expect(await fixture.store.remove('a:1')).toMatchObject({ untagged: [`${REPOSITORY}:1`] });
    expect(await fixture.store.remove('a:2')).toMatchObject({
      untagged: [`${REPOSITORY}:2`, `${REPOSITORY}@${INDEX}`],
      ...{ deleted: false, freed: 0 },
    });
    expect(await names()).toEqual([['quay.io/b:1']]);
  });

  it('can lose a digest alone', async () => {
    const untagged = [`${REPOSITORY}@${INDEX}`];
    expect(await fixture.store.remove(`a@${INDEX}`)).toMatchObject({ untagged, deleted: false });
    expect(await names()).toEqual([[`${REPOSITORY}:1`, `${REPOSITORY}:2`]]);
  });

  it.each([
    ['other:1', /^See what there is with: fsb-ctl image list$/],
    ['nosuch', /^See what there is with: fsb-ctl image list$/],
    ['a', /^Did you mean a:[12]\?$/],
    ['a:3', /^Did you mean a:[12]\?$/],
    ['hots', /^See what there is with: fsb-ctl image list$/],
    [digestOf('other'), /^See what there is with: fsb-ctl image list$/],
  ])('is not what %s means: the hint is about what can be removed', async (text, hint) => {
    expect(await errorOf(fixture.store.remove(text))).toMatchObject({
      ...{ code: 'image_not_found', hint: expect.stringMatching(hint) },
    });
  });

  it('goes with its last name, and frees what no other has, to the byte', async () => {
    await fixture.put({ references: ['docker.io/library/other:1'], layers: ['A', 'C'] });
    const before = await fixture.bytes();
    const sizes = await fixture.images();
    await fixture.store.remove('a:1');
    const removed = await fixture.store.remove('a:2');
    expect(removed).toMatchObject({ deleted: true, untagged: [`${REPOSITORY}:2`, `${REPOSITORY}@${INDEX}`] });
    expect(before - (await fixture.bytes())).toBe(removed.freed);
    expect(sizes.find(({ digest }) => digest === image.digest)!.uniqueSize).toBe(removed.freed);
    expect(removed.freed).toBeGreaterThan(0);
    await fixture.store.remove('other:1');
    expect([await fixture.bytes(), await fixture.images()]).toEqual([0, []]);
  });

  it('with several names goes by its digest only by force', async () => {
    expect(await errorOf(fixture.store.remove(image.digest))).toMatchObject({
      code: 'conflict',
      hint: 'Remove them one by one: a:1, a:2; or all at once with -f.',
    });
    expect(await names()).toHaveLength(1);
    expect(await fixture.store.remove(image.digest, { force: true })).toMatchObject({
      untagged: [`${REPOSITORY}:1`, `${REPOSITORY}:2`, `${REPOSITORY}@${INDEX}`],
      deleted: true,
    });
    expect(await fixture.bytes()).toBe(0);
  });

  it('by force takes only the name that was said', async () => {
    expect(await fixture.store.remove('a:1', { force: true })).toMatchObject({ deleted: false });
    expect(await names()).toEqual([[`${REPOSITORY}:2`, `${REPOSITORY}@${INDEX}`]]);
  });

  it('says who uses it, and asks nobody to let go then', async () => {
    fixture.store.hold(image.digest);
    await fixture.store.remove('a:1');
    const letGo = (): Promise<void> => Promise.reject(new Error('asked'));
    for (const [users, text] of [
      [['default/box'], 'default/box uses it'],
      [['default/box', 'lease x'], 'default/box and 1 other use it'],
      [['default/box', 'lease x', 'pool run'], 'default/box and 2 others use it'],
    ] as const)
      expect(await errorOf(fixture.store.remove('a:2', { letGo, usersOf: () => [...users] }))).toMatchObject({
        ...{ code: 'conflict', message: `cannot remove image a:2: ${text}` },
        hint: 'Delete them first; or take its names off now with -f, and it goes with the last of them.',
      });
  });
});

describe('an image that is removed by force while it is used', () => {
  let image: ImageRecord;
  let release: () => void;
  beforeEach(async () => {
    image = await fixture.put({ references: [`${REPOSITORY}:1`], layers: ['A'] });
    await fixture.store.sweep();
    release = fixture.store.hold(image.digest);
  });
  const force = { force: true };

  it('has no name any more, and goes with its last user', async () => {
    const other = fixture.store.hold(image.digest);
    expect(await fixture.store.remove('a:1', force)).toMatchObject({
      ...{ untagged: [`${REPOSITORY}:1`], deleted: false, freed: 0 },
    });
    expect(await fixture.images()).toMatchObject([{ digest: image.digest, references: [] }]);
    expect(await errorOf(fixture.store.resolve('a:1'))).toMatchObject({ code: 'image_not_found' });
    // What runs may be taken up, and boots that had begun go on.
    expect((await fixture.store.resolve(image.digest)).root.overlays[0]!.lower).toHaveLength(1);
    release();
    expect(await fixture.store.prune({ all: true })).toEqual({ removed: [], freed: 0 });
    other();
    await expect.poll(() => fixture.bytes()).toBe(0);
    expect(await fixture.images()).toEqual([]);
  });

  it('stays over a restart until everything that lives is held again, and goes with the last of it', async () => {
    await fixture.store.remove('a:1', force);
    await fixture.reopen();
    // One that recovery destroys, before it has come to the other.
    fixture.store.hold(image.digest)();
    const held = fixture.store.hold(image.digest);
    await fixture.store.sweep();
    expect(await fixture.images()).toHaveLength(1);
    held();
    await expect.poll(() => fixture.images()).toEqual([]);
  });

  it('goes after a restart when nothing uses it', async () => {
    await fixture.store.remove('a:1', force);
    await fixture.reopen();
    await fixture.store.sweep();
    expect([await fixture.images(), await fixture.bytes()]).toEqual([[], 0]);
  });

  it('is there again, with a name, when it comes again meanwhile', async () => {
    await fixture.store.remove('a:1', force);
    await fixture.put({ references: [`${REPOSITORY}:2`], layers: ['A'] });
    release();
    await fixture.store.sweep();
    expect(await names()).toEqual([[`${REPOSITORY}:2`]]);
    expect((await fixture.store.remove('a:2')).freed).toBeGreaterThan(0);
  });

  it('loses its name also when a pool keeps it warm', async () => {
    const letGo = (): Promise<void> => Promise.reject(new FsbError('conflict', 'a pool keeps it warm'));
    expect(await errorOf(fixture.store.remove('a:1', { letGo }))).toMatchObject({ code: 'conflict' });
    await fixture.store.remove('a:1', { letGo, force: true });
    expect(await names()).toEqual([[]]);
  });
});

describe('a removal', () => {
  it('does not take an image that got another name while it was under way', async () => {
    await fixture.put({ references: [`${REPOSITORY}:1`], layers: ['A'] });
    const letGo = async (): Promise<void> => {
      await fixture.put({ references: [`${REPOSITORY}:2`], layers: ['A'] });
    };
    expect(await fixture.store.remove('a:1', { letGo })).toMatchObject({ deleted: false });
    const [removed] = await Promise.all([
      fixture.store.remove('a:2'),
      fixture.put({ references: [`${REPOSITORY}:3`], layers: ['A'] }),
    ]);
    expect(removed.untagged).toEqual([`${REPOSITORY}:2`]);
    expect(await names()).toEqual([[`${REPOSITORY}:3`]]);
    expect((await fixture.store.resolve('a:3')).root.overlays[0]!.lower).toHaveLength(1);
  });

  it('of all names at the same time leaves nothing', async () => {
    const tags = ['1', '2', '3', '4'];
    await fixture.put({ references: tags.map((tag) => `${REPOSITORY}:${tag}`), layers: ['A'] });
    await Promise.all(tags.map((tag) => fixture.store.remove(`a:${tag}`)));
    expect([await fixture.images(), await fixture.bytes()]).toEqual([[], 0]);
  });
});
