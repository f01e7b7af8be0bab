import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { smallDisk } from '../../helpers/core/small-disk.ts';
import { makePlace } from '../../unit/store/harness.ts';

it('an upgrade of records that has no room says so, leaves them, and is done when there is room', async () => {
  await using disk = await smallDisk(64 * 1024 * 1024);
  await using place = await makePlace();
  const directory = join(disk.path, 'records');
  const written = await place.open(directory);
  const table = written.table<{ text: string }>('boxes', 1);
  const value = { text: 'x'.repeat(1_500) };
  // One after the other: for many at once the file takes room that would do for the upgrade.
  for (let n = 0; n < 2_000; n++) await table.put(`k${n}`, value);
  await written.close();
  const free = await disk.fill();
  const upgrade = async (): Promise<number> => {
    const store = await place.open(directory);
    try {
      const upgraded = store.table<{ text: string }>('boxes', 2, {
        upgrade: (old) => old as { text: string },
      });
      return [...upgraded.entries()].filter(([, found]) => found.text === value.text).length;
    } finally {
      await store.close();
    }
  };
  // More than once: what lmdb itself finds out may end the process at one of the next times.
  for (let tries = 0; tries < 3; tries++) {
    const error = await upgrade().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FsbError);
    expect(error).toMatchObject({
      code: 'no_capacity',
      message: 'cannot bring the records of boxes up to date for this version: the disk is full',
      hint: expect.stringContaining('start again'),
    });
  }
  await free();
  expect(await upgrade()).toBe(2_000);
});
