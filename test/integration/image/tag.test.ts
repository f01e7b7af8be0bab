import { describe, expect, it } from 'vitest';
import { useContent } from '../../helpers/image/use-content.ts';

const fixture = useContent();
const name = (tag: string): string => `docker.io/library/${tag}:1`;
const namesOf = async (digest: string): Promise<string[]> => (await fixture.store.inspect(digest)).references;

describe('tag', () => {
  it('gives an image one more name, which stays over a restart and keeps it when the other goes', async () => {
    const { digest } = await fixture.put({ references: [name('a')], layers: ['a'] });
    await fixture.store.tag('a:1', 'quay.io/b');
    await fixture.store.tag('quay.io/b', 'quay.io/b:latest');
    expect(await namesOf(digest)).toEqual([name('a'), 'quay.io/b:latest']);
    expect(await fixture.store.remove('a:1')).toMatchObject({ deleted: false });
    expect((await fixture.store.resolve('quay.io/b')).digest).toBe(digest);
  });

  it('names one that has no name, so that a prune leaves it', async () => {
    const { digest } = await fixture.put({ layers: ['a'] });
    await fixture.store.tag(digest.slice(7, 19), 'a:1');
    expect((await fixture.store.prune({ all: false })).removed).toEqual([]);
    expect(await namesOf(digest)).toEqual([name('a')]);
  });

  it('takes the name from the image that had it, and says so', async () => {
    const [a, b] = [
      await fixture.put({ references: [name('a')], layers: ['a'] }),
      await fixture.put({ references: [name('b')], layers: ['b'] }),
    ];
    const changes: (readonly string[])[] = [];
    fixture.store.onNamesChanged((replaced) => changes.push(replaced));
    await fixture.store.tag('a:1', 'b:1');
    expect([await namesOf(a.digest), await namesOf(b.digest)]).toEqual([[name('a'), name('b')], []]);
    await fixture.store.tag('a:1', 'c:1');
    expect(changes).toEqual([[b.digest], []]);
  });

  it('keeps one that was to go with its last user', async () => {
    const { digest } = await fixture.put({ references: [name('a')], layers: ['a'] });
    const release = fixture.store.hold(digest);
    await fixture.store.remove('a:1', { force: true });
    await fixture.store.tag(digest, 'b:1');
    release();
    await fixture.store.sweep();
    expect(await namesOf(digest)).toEqual([name('b')]);
  });

  it('never brings one back that goes meanwhile', async () => {
    const { digest } = await fixture.put({ references: [name('a')], layers: ['a'] });
    const removing = fixture.store.remove('a:1');
    const tagging = fixture.store.tag(digest, 'b:1').catch(({ code }) => code);
    await removing;
    const outcome = await tagging;
    const left = (await fixture.images()).map(({ references }) => references);
    expect([outcome, left]).toEqual(left.length === 0 ? ['image_not_found', []] : [undefined, [[name('b')]]]);
  });

  it.each([
    ['nope', 'b', 'image_not_found'],
    ['host', 'b', 'conflict'],
    ['a:1', 'host', 'invalid_argument'],
    ['a:1', 'No Name', 'invalid_argument'],
    ['a:1', `b@sha256:${'0'.repeat(64)}`, 'invalid_argument'],
  ])('refuses to name %s %s', async (source, target, code) => {
    await fixture.put({ references: [name('a')], layers: ['a'] });
    await expect(fixture.store.tag(source, target)).rejects.toMatchObject({ code });
  });
});
