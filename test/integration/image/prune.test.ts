import { describe, expect, it, vi } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { digestOf, HOUR } from '../../helpers/image/content-fixture.ts';
import { useContent } from '../../helpers/image/use-content.ts';

const fixture = useContent();
const name = (tag: string): string => `docker.io/library/${tag}:1`;
const put = (tag: string, labels: Record<string, string> = {}) =>
  fixture.put({ references: [name(tag)], layers: ['shared', tag], labels });
const left = async (): Promise<string[][]> => (await fixture.images()).map(({ references }) => references);

describe('prune', () => {
  it('removes images without a tag, and nothing else, and counts every byte', async () => {
    await put('a');
    await fixture.put({ references: [name('a')], layers: ['shared', 'newer'] });
    await fixture.put({ repoDigests: [`docker.io/library/b@${digestOf('x')}`], layers: ['by digest'] });
    await fixture.bring({ layers: ['left over'] });
    const held = await fixture.put({ layers: ['held'] });
    fixture.store.hold(held.digest);
    const before = await fixture.bytes();
    const { removed, freed } = await fixture.store.prune({ all: false });
    expect(removed.map(({ untagged, deleted }) => [untagged.length, deleted])).toEqual([
      [1, true],
      [0, true],
    ]);
    expect(before - (await fixture.bytes())).toBe(freed);
    expect(freed).toBeGreaterThan(removed.reduce((sum, one) => sum + one.freed, 0));
    expect(await left()).toEqual([[name('a')], []]);
    expect(await fixture.store.prune({ all: false })).toEqual({ removed: [], freed: 0 });
  });

  it('with all removes what nothing holds and nobody keeps, in order of names', async () => {
    for (const tag of ['d', 'c', 'b', 'a']) await put(tag);
    fixture.store.hold((await fixture.store.resolve('b:1')).digest);
    const keep = ({ references }: { references: string[] }): boolean => references.includes(name('c'));
    const { removed } = await fixture.store.prune({ all: true }, { keep });
    expect(removed.map(({ untagged }) => untagged)).toEqual([[name('a')], [name('d')]]);
    expect(await left()).toEqual([[name('b')], [name('c')]]);
    expect((await fixture.store.list())[0]).toMatchObject({ references: ['host'] });
  });

  it('asks idle users to let go, and spares an image of which one does not', async () => {
    const [a, b] = [await put('a'), await put('b')];
    const release = fixture.store.hold(a.digest);
    const letGo = async (digest: string): Promise<void> => {
      if (digest === b.digest) throw new FsbError('conflict', 'a pool keeps it warm');
      release();
    };
    await fixture.store.prune({ all: true }, { letGo });
    expect(await left()).toEqual([[name('b')]]);
  });

  it('spares an image that somebody begins to use, or names, meanwhile', async () => {
    const [a, b] = [await put('a'), await fixture.put({ layers: ['untagged'] })];
    const letGo = async (digest: string): Promise<void> => {
      if (digest === a.digest) fixture.store.hold(digest);
      if (digest === b.digest) await fixture.put({ references: [name('b')], layers: ['untagged'] });
    };
    expect((await fixture.store.prune({ all: false }, { letGo })).removed).toEqual([]);
    expect((await fixture.store.prune({ all: true }, { letGo })).removed).toHaveLength(1);
    expect(await left()).toEqual([[name('a')]]);
  });

  it('tells before what it is going to do', async () => {
    await put('a');
    await put('b');
    await put('used');
    await fixture.bring({ layers: ['left over'] });
    const keep = ({ references }: { references: string[] }) => references.includes(name('used'));
    const told = await fixture.store.prune({ all: true, dryRun: true }, { keep });
    expect(await left()).toHaveLength(3);
    const done = await fixture.store.prune({ all: true }, { keep });
    const names = ({ removed }: typeof told) => removed.map(({ untagged }) => untagged);
    expect(names(told)).toEqual(names(done));
    expect(told.freed).toBeGreaterThan(told.removed.reduce((sum, { freed }) => sum + freed, 0));
    expect(await fixture.store.prune({ all: true, dryRun: true }, { keep })).toEqual({
      removed: [],
      freed: 0,
    });
  });

  it('takes only what came long ago', async () => {
    await put('old');
    await fixture.clock.advance(2 * HOUR);
    await put('new');
    await fixture.bring({ layers: ['left over'] });
    await fixture.store.prune({ all: true, olderThan: HOUR });
    expect(await left()).toEqual([[name('new')]]);
    expect(await fixture.files('layers')).toHaveLength(3);
  });

  it.each([HOUR, -HOUR])('is not misled about an age by a jump of the wall clock, by %i ms', async (jump) => {
    await put('old');
    await fixture.clock.advance(2 * HOUR);
    await put('new');
    fixture.clock.jump(jump);
    const request = { all: true, olderThan: HOUR / 2 };
    const gone = [[name('old')]];
    const namesOf = async (dryRun: boolean) =>
      (await fixture.store.prune({ ...request, dryRun })).removed.map(({ untagged }) => untagged);
    expect(await namesOf(true)).toEqual(gone);
    expect(await namesOf(false)).toEqual(gone);
    await fixture.clock.advance(HOUR);
    expect(await namesOf(false)).toEqual([[name('new')]]);
  });

  it('knows in the next core how old an image is', async () => {
    await put('old');
    await fixture.clock.advance(HOUR);
    await fixture.reopen();
    await fixture.store.prune({ all: true, olderThan: HOUR });
    expect(await left()).toEqual([[name('old')]]);
    await fixture.clock.advance(1);
    await fixture.store.prune({ all: true, olderThan: HOUR });
    expect(await left()).toEqual([]);
  });

  it.each([
    [[{ key: 'kind', value: 'test' }], ['a', 'c']],
    [[{ key: 'kind' }], ['a', 'b', 'c']],
    [[{ key: 'kind', value: '' }], []],
    [
      [
        { key: 'kind', value: 'test' },
        { key: 'more', value: '1' },
      ],
      ['c'],
    ],
    [
      [
        { key: 'kind', value: 'test' },
        { key: 'kind', value: 'other' },
      ],
      [],
    ],
    [[{ key: 'constructor' }], []],
  ])('takes only images with the labels %j', async (labels, gone) => {
    await put('a', { kind: 'test' });
    await put('b', { kind: 'other' });
    await put('c', { kind: 'test', more: '1' });
    await put('d');
    const { removed } = await fixture.store.prune({ all: true, labels });
    expect(removed.flatMap(({ untagged }) => untagged)).toEqual(gone.map(name));
  });
});

describe('what people see of an image', () => {
  it('counts each part once, and what it has alone', async () => {
    const a = await fixture.put({ references: [name('a')], layers: ['x', 'x', 'shared'] });
    await fixture.put({ references: [name('b')], layers: ['shared', ''] });
    const sizes = await fixture.images();
    const documents = [a.digest, a.configDigest].map((one) => fixture.content.blobs.sizeOf(one));
    const own = documents[0]! + documents[1]! + 'packed x'.length + 'x'.length;
    const shared = 'packed shared'.length + 'shared'.length;
    expect(sizes[0]).toMatchObject({ size: own + shared, uniqueSize: own });
    expect(sizes[0]!.uniqueSize + sizes[1]!.uniqueSize + shared).toBe(await fixture.bytes());
  });

  it('has the story of its configuration', async () => {
    const record = await fixture.put({
      ...{ references: [name('a')], layers: ['A'] },
      configuration: {
        ...{ author: 'me', created: '2024-01-02T03:04:05.678Z' },
        history: [
          { created: '0001-01-01T00:00:00Z', created_by: 'ADD x', comment: 'c' },
          { created: '2024-01-02T03:04:05Z', empty_layer: true },
        ],
      },
    });
    const [layer] = record.layers;
    expect(await fixture.store.inspect('a:1')).toMatchObject({
      ...{ author: 'me', createdAt: Date.UTC(2024, 0, 2, 3, 4, 5, 678), configDigest: record.configDigest },
      history: [
        { createdAt: 0, createdBy: 'ADD x', comment: 'c', empty: false },
        { createdAt: Date.UTC(2024, 0, 2, 3, 4, 5), createdBy: '', comment: '', empty: true },
      ],
      layers: [{ ...layer, unpackedSize: 1 }],
    });
  });

  it.each([
    ['nothing', {}],
    ['nonsense', { author: 7, created: 'soon', history: [{ created: false }, 3] }],
  ])('is shown although its configuration says %s', async (_title, configuration) => {
    await fixture.put({ references: [name('a')], layers: ['A'], configuration });
    expect(await fixture.store.inspect('a:1')).toMatchObject({ author: '', createdAt: 0 });
  });

  it('is known for the built-in one too', async () => {
    const host = await fixture.store.inspect('host');
    expect(host).toMatchObject({ references: ['host'], size: 0, configDigest: '', layers: [], history: [] });
    expect(await fixture.store.inspect(host.digest)).toEqual(host);
    expect(host.config.cmd).toHaveLength(1);
  });
});

describe('the end of the store', () => {
  const forEver = () => new Promise<never>(() => {});
  const failed = (error: unknown): FsbError => FsbError.from(error);

  it.each(['prune', 'remove'])('waits for no user that is asked to let go: %s', async (how) => {
    await put('a');
    await put('b');
    const { store } = fixture;
    const going =
      how === 'prune'
        ? store.prune({ all: true }, { letGo: forEver })
        : store.remove('a:1', { letGo: forEver });
    const outcome = going.then(() => undefined, failed);
    await store.close();
    expect((await outcome)?.code).toBe('unavailable');
    expect(await left()).toHaveLength(2);
  });

  it('is bounded with a removal under way that does not end', async () => {
    await put('a');
    const drop = vi.spyOn(fixture.content, 'drop').mockImplementation(forEver);
    void fixture.store.prune({ all: true });
    await vi.waitFor(() => expect(drop).toHaveBeenCalledOnce(), 20_000);
    let closed = false;
    void fixture.store.close().then(() => {
      closed = true;
    });
    await fixture.clock.advance(4_999);
    expect(closed).toBe(false);
    await fixture.clock.advance(1);
    expect(closed).toBe(true);
    await fixture.setUp(fixture.directory);
    expect(await left()).toEqual([]);
  });
});
