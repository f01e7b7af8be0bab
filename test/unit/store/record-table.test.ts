import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { LmdbTable } from '../../../src/core/store/record-table.ts';
import { failure } from '../../helpers/core/controller-world.ts';

let path: string;
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'fsb-table-'));
});
afterEach(() => rm(path, { recursive: true, force: true }));

/** A table on a disk that is full when the test says so. */
function world() {
  const environment = open({ path, maxDbs: 1, encoding: 'string' });
  const disk = { isFull: false };
  const take = (bytes?: number): (() => void) => {
    if (disk.isFull && bytes !== undefined) throw new FsbError('no_capacity', 'the disk is full');
    return () => {};
  };
  const table = new LmdbTable<number>({
    ...{ name: 't', version: 1, database: environment.openDB({ name: 't', encoding: 'string' }) },
    ...{ room: { take }, track: (write) => write(), assertOpen: () => {} },
    access: { read: (read) => read(), write: (write) => write() },
  });
  return { table, disk, [Symbol.asyncDispose]: () => environment.close() };
}

it('a put that fails at once hides nothing that is on its way', async () => {
  await using place = world();
  const { table, disk } = place;
  const first = table.put('k', 1);
  disk.isFull = true;
  expect((await failure(table.put('k', 2))).code).toBe('no_capacity');
  expect([table.get('k'), [...table.entries()]]).toEqual([1, [['k', 1]]]);
  expect(await table.remove('k')).toBe(true);
  await first;
  expect([table.get('k'), [...table.entries()]]).toEqual([undefined, []]);
});

it('the newest of several writes is what is read, until the end of the last', async () => {
  await using place = world();
  const { table } = place;
  const read: (number | undefined)[] = [];
  const note = (): void => void read.push(table.get('k'));
  const writes = [table.put('k', 1), table.remove('k'), table.put('k', 3)].map((write) => write.then(note));
  note();
  await Promise.all(writes);
  expect(read).toEqual([3, 3, 3, 3]);
});
