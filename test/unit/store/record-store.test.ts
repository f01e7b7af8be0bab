import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { open } from 'lmdb';
import { describe, expect, it } from 'vitest';
import { watchFailpoints } from '../../../src/core/model/failure/failpoint.ts';
import { findDamage, usedBytes } from '../../../src/core/store/environment-file.ts';
import { makePlace, type Place } from './harness.ts';

interface Box {
  name: string;
  size?: number;
}

const data = (place: Place): string => join(place.directory, 'data.mdb');
function usedOf(file: string): number {
  const fd = openSync(file, 'r');
  try {
    return usedBytes(fd);
  } finally {
    closeSync(fd);
  }
}
const asides = (place: Place): string[] =>
  readdirSync(dirname(place.directory)).filter((name) => name.includes('.aside-'));

/** What somebody else may have written. No store is open meanwhile. */
async function writeRaw(place: Place, table: string, records: [string, string][]): Promise<void> {
  const root = open({ path: place.directory, maxDbs: 32, encoding: 'string' });
  const database = root.openDB<string, string>({ name: table, encoding: 'string' });
  for (const [key, value] of records) await database.put(key, value);
  await root.close();
}

async function rawEntries(place: Place, table: string): Promise<[string, string][]> {
  const root = open({ path: place.directory, maxDbs: 32, encoding: 'string' });
  const database = root.openDB<string, string>({ name: table, encoding: 'string' });
  const entries = [...database.getRange({})].map(({ key, value }): [string, string] => [key, value]);
  await root.close();
  return entries;
}

describe('a table of records', () => {
  it('shows a put at once, and after a restart', async () => {
    await using place = await makePlace();
    const store = await place.open();
    const table = store.table<Box>('boxes', 1);
    const committed = table.put('a', { name: 'one' });
    expect(table.get('a')).toEqual({ name: 'one' });
    expect([...table.entries()]).toEqual([['a', { name: 'one' }]]);
    await committed;
    expect(table.get('a')).toEqual({ name: 'one' });
    await store.close();
    expect((await place.open()).table<Box>('boxes', 1).get('a')).toEqual({ name: 'one' });
  });

  it('keeps a copy, and gives copies', async () => {
    await using place = await makePlace();
    const table = (await place.open()).table<Box>('boxes', 1);
    const box = { name: 'one', size: 1 };
    const committed = table.put('a', box);
    box.size = 2;
    table.get('a')!.size = 3;
    expect(table.get('a')!.size).toBe(1);
    await committed;
    expect(table.get('a')!.size).toBe(1);
  });

  it('waits for its writes when it closes, and refuses later ones', async () => {
    await using place = await makePlace();
    const store = await place.open();
    const table = store.table<Box>('boxes', 1);
    const writes = Array.from({ length: 200 }, (_, i) => table.put(`k${i}`, { name: `${i}` }));
    await Promise.all([store.close(), store.close()]);
    await Promise.all(writes);
    await expect(table.put('late', { name: '' })).rejects.toMatchObject({ code: 'unavailable' });
    expect(() => table.get('k0')).toThrow(/closed/);
    expect([...(await place.open()).table<Box>('boxes', 1).entries()].length).toBe(200);
  });

  it('is counted, with what it takes on the disk, and the last write that failed', async () => {
    await using place = await makePlace();
    const store = await place.open();
    const table = store.table<Box>('boxes', 1);
    await table.put('a', { name: 'one' });
    expect(store.health()).toEqual({ count: 1, size: statSync(data(place)).size, setAside: [] });
    watchFailpoints(() => {
      throw new Error('the disk is broken');
    });
    try {
      await expect(table.put('b', { name: 'two' })).rejects.toThrow(/broken/);
    } finally {
      watchFailpoints(undefined);
    }
    const message = expect.stringContaining('cannot store the record boxes/b');
    expect(store.health().failure).toEqual({ at: expect.any(Number), message, over: false });
    await table.put('b', { name: 'two' });
    expect(store.health()).toMatchObject({ count: 2, failure: { message, over: true } });
  });

  it('refuses keys that do not fit', async () => {
    await using place = await makePlace();
    const table = (await place.open()).table<Box>('boxes', 1);
    await expect(table.put('', { name: '' })).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(table.put('x'.repeat(2000), { name: '' })).rejects.toMatchObject({
      code: 'invalid_argument',
    });
  });

  it('behaves as a sorted map, whatever is written and awaited in between, also after a restart', async () => {
    const step = fc.oneof(
      fc.record({ put: fc.constantFrom('a', 'ab', 'b/c', 'z', 'Z', 'ä'), size: fc.nat(20_000) }),
      fc.record({ remove: fc.constantFrom('a', 'ab', 'b/c', 'z', 'Z', 'ä') }),
      fc.constant('wait' as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        await using place = await makePlace();
        const store = await place.open();
        const table = store.table<string>('t', 1);
        const model = new Map<string, string>();
        const sorted = (): [string, string][] => [...model].sort(([a], [b]) => (a < b ? -1 : 1));
        let last: Promise<unknown> = Promise.resolve();
        for (const it of steps) {
          if (it === 'wait') await last;
          else if ('put' in it) {
            model.set(it.put, 'x'.repeat(it.size));
            last = table.put(it.put, 'x'.repeat(it.size));
          } else {
            const was = model.delete(it.remove);
            const removed = table.remove(it.remove);
            last = removed;
            expect(table.get(it.remove)).toBeUndefined();
            if (steps.length % 2 === 0) expect(await removed).toBe(was);
          }
          expect([...table.entries()]).toEqual(sorted());
        }
        await store.close();
        expect(findDamage(data(place))).toBeUndefined();
        expect([...(await place.open()).table<string>('t', 1).entries()]).toEqual(sorted());
      }),
      { numRuns: 60 },
    );
  });
});

describe('records of another layout', () => {
  it('are upgraded where there is a way, and set aside where there is none', async () => {
    await using place = await makePlace();
    const first = await place.open();
    await first.table<string>('boxes', 1).put('a', 'one');
    await first.table<string>('boxes', 1).put('b', 'bad');
    await first.close();

    const upgrade = (value: unknown, from: number): Box | undefined =>
      value === 'bad' ? undefined : { name: `${String(value)} from ${from}` };
    const second = await place.open();
    const table = second.table<Box>('boxes', 2, { upgrade });
    expect([...table.entries()]).toEqual([['a', { name: 'one from 1' }]]);
    expect(place.logged.at(-1)).toMatchObject({ table: 'boxes', upgraded: 1, setAside: 1 });
    await second.close();

    const third = (await place.open()).table<Box>('boxes', 3);
    expect([...third.entries()]).toEqual([]);
    await third.put('a', { name: 'new' });
    expect(third.get('a')).toEqual({ name: 'new' });
  });

  it('and what is none at all are told by their keys and set aside, each as it was', async () => {
    await using place = await makePlace();
    await (await place.open()).close();
    const written: [string, string][] = [
      ['good', '[2,{"name":"one"}]'],
      ['torn', '[2,{"name":"o'],
      ['text', 'hello'],
      ['empty', ''],
      ['other', '{"name":"one"}'],
      ['null', '[2,null]'],
      ['foreign', '[2,{"size":"many"}]'],
      ['newer', '[3,{"name":"one"}]'],
      ['broken', '[1,null]'],
      ['worse', '[1,7]'],
      ['old', '[1,{"called":"one"}]'],
      ['x'.repeat(1950), '[4,0]'],
    ];
    await writeRaw(place, 'boxes', written);
    const fits = (value: unknown): boolean => typeof (value as Box | null)?.name === 'string';
    const upgrade = (value: unknown, from: number): Box | undefined =>
      from === 1 ? { name: (value as { called: string }).called } : undefined;
    const store = await place.open();
    const table = store.table<Box>('boxes', 2, { upgrade, fits });
    expect([...table.entries()]).toEqual([
      ['good', { name: 'one' }],
      ['old', { name: 'one' }],
    ]);
    const bad = written.filter(([key]) => key !== 'good' && key !== 'old');
    expect(place.logged.at(-1)).toMatchObject({ level: 50, upgraded: 1, setAside: bad.length });
    expect((place.logged.at(-1)!.keys as string[]).sort()).toEqual(bad.map(([key]) => key).sort());
    await store.close();
    expect((await rawEntries(place, 'set-aside')).map(([, value]) => value).sort()).toEqual(
      bad.map(([, value]) => value).sort(),
    );
  });

  it('that are set aside later do not take the place of earlier ones', async () => {
    await using place = await makePlace();
    for (const value of ['[9,1]', '[9,2]', '[9,3]']) {
      await (await place.open()).close();
      await writeRaw(place, 'boxes', [['a', value]]);
      const store = await place.open();
      expect([...store.table('boxes', 1).entries()]).toEqual([]);
      await store.close();
    }
    expect(await rawEntries(place, 'set-aside')).toEqual([
      ['boxes/9/a', '[9,1]'],
      ['boxes/9/a#2', '[9,2]'],
      ['boxes/9/a#3', '[9,3]'],
    ]);
  });

  it('are told, and go when that is asked for', async () => {
    await using place = await makePlace();
    const first = await place.open();
    expect(first.health().setAside).toEqual([]);
    await first.dropSetAside();
    await first.table<string>('boxes', 1).put('a', 'one');
    await first.close();

    const second = await place.open();
    second.table<Box>('boxes', 2);
    expect(second.health()).toMatchObject({
      count: 0,
      setAside: [{ table: 'boxes', size: '[1,"one"]'.length }],
    });
    await second.dropSetAside();
    expect(second.health().setAside).toEqual([]);
  });

  it('are taken back by a version that knows them, unless there are others by now', async () => {
    await using place = await makePlace();
    const second = await place.open();
    for (const key of ['a', 'b']) await second.table<Box>('boxes', 2).put(key, { name: `new ${key}` });
    await second.close();
    const first = await place.open();
    await first.table<string>('boxes', 1).put('b', 'old');
    expect(first.strange()).toEqual([
      { table: 'boxes', key: 'a', value: { name: 'new a' } },
      { table: 'boxes', key: 'b', value: { name: 'new b' } },
    ]);
    await first.close();

    const upgrade = (): Box => ({ name: 'upgraded' });
    const third = await place.open();
    expect([...third.table<Box>('boxes', 2, { upgrade }).entries()]).toEqual([
      ['a', { name: 'new a' }],
      ['b', { name: 'upgraded' }],
    ]);
    expect(third.strange().map(({ key }) => key)).toEqual(['b']);
  });

  it('are a mistake of ours when both are asked for at once', async () => {
    await using place = await makePlace();
    const store = await place.open();
    expect(store.table('t', 1)).toBe(store.table('t', 1));
    expect(() => store.table('t', 2)).toThrow(/version 1/);
  });
});

describe('an environment that cannot be read', () => {
  const spoil: Record<string, (file: string) => void> = {
    'is text': (file) => writeFileSync(file, 'hello'),
    'is zeros': (file) => writeFileSync(file, Buffer.alloc(100_000)),
    'is cut in half': (file) => truncateSync(file, usedOf(file) >> 1),
    'is cut after its meta pages': (file) => truncateSync(file, 8192),
    // LMDB took such a page for one that it may write to, and ended the process.
    'has a page of a transaction to come': (file) => {
      const bytes = readFileSync(file);
      for (let page = 8192; page < bytes.length; page += 4096) bytes[page + 11] = 32;
      writeFileSync(file, bytes);
    },
    'lost a page': (file) => {
      const bytes = readFileSync(file);
      // Every page but the metas: whichever are in use are gone.
      bytes.fill(0, 8192);
      writeFileSync(file, bytes);
    },
  };

  for (const [how, run] of Object.entries(spoil))
    it(`is reported and set aside when it ${how}`, async () => {
      await using place = await makePlace();
      const store = await place.open();
      const table = store.table<Box>('boxes', 1);
      for (let i = 0; i < 300; i++) void table.put(`k${i}`, { name: 'x'.repeat(500) });
      await store.close();
      run(data(place));

      const fresh = (await place.open()).table<Box>('boxes', 1);
      expect([...fresh.entries()]).toEqual([]);
      await fresh.put('new', { name: 'works' });
      expect(fresh.get('new')).toEqual({ name: 'works' });
      const [aside] = asides(place);
      expect(readdirSync(join(dirname(place.directory), aside!))).toContain('data.mdb');
      expect(place.logged.find(({ msg }) => msg.includes('set aside'))).toMatchObject({ level: 50 });
    });

  it('is set aside when it is no directory', async () => {
    await using place = await makePlace();
    writeFileSync(place.directory, 'a file');
    await (await place.open()).table<Box>('boxes', 1).put('a', { name: 'works' });
    expect(asides(place)).toHaveLength(1);
  });

  it('is not mistaken for one that is new or empty', async () => {
    await using place = await makePlace();
    mkdirSync(place.directory);
    writeFileSync(data(place), '');
    await (await place.open()).table<Box>('boxes', 1).put('a', { name: 'works' });
    expect(asides(place)).toEqual([]);
  });

  it('says what to check when the place itself is no good', async () => {
    await using place = await makePlace();
    writeFileSync(place.directory, 'a file');
    const below = join(place.directory, 'records');
    await expect(place.open(below)).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining(below),
      hint: expect.stringContaining('directory'),
    });
  });
});
