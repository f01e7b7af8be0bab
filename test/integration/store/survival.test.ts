import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { failingDisk, smallDisk } from '../../helpers/core/small-disk.ts';
import { makePlace } from '../../unit/store/harness.ts';

const child = fileURLToPath(new URL('../../fixtures/store-child.ts', import.meta.url));
const run = (mode: string, directory: string) =>
  spawn(process.execPath, ['--import', 'tsx', child, mode, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

/** Lets the child put until it confirmed `count` records, kills it, and tells all that it confirmed. */
async function putAndKill(directory: string, count: number): Promise<string[]> {
  const putting = run('puts', directory);
  let text = '';
  putting.stdout.on('data', (data: Buffer) => {
    text += data.toString();
    if (text.length >= count * 10) putting.kill('SIGKILL');
  });
  await once(putting, 'close');
  return text.split('\n').slice(0, -1);
}

describe('a core that is killed in the middle of puts', () => {
  it('has every record that was confirmed, each of them whole', { timeout: 60_000 }, async () => {
    await using place = await makePlace();
    const confirmed: string[] = [];
    for (const count of [1, 50, 400]) {
      confirmed.push(...(await putAndKill(place.directory, count)));
      const store = await place.open();
      const table = store.table<{ text: string }>('t', 1);
      for (const key of confirmed) expect(table.get(key)?.text.slice(0, 9)).toBe(key);
      for (const [key, { text }] of table.entries()) expect(text).toBe(key.repeat(1 + (Number(key) % 700)));
      expect(place.logged).toEqual([]);
      await store.close();
    }
  });
});

describe('an open store', () => {
  it('does not keep its process alive', { timeout: 30_000 }, async () => {
    await using place = await makePlace();
    const [code] = await once(run('exit', place.directory), 'exit');
    expect(code).toBe(0);
    expect([...(await place.open()).table('t', 1).entries()]).toHaveLength(1);
  });
});

const MIB = 1024 * 1024;
const full = {
  code: 'no_capacity',
  message: expect.stringMatching(/^cannot store the record t\/.*: the disk is full$/),
  hint: expect.stringContaining('fsb-ctl image prune'),
};

describe('a store on a full disk', () => {
  it('rejects the put, shows what is durable, and goes on when there is room', async () => {
    await using disk = await smallDisk(MIB);
    await using place = await makePlace();
    const store = await place.open(join(disk.path, 'records'));
    const table = store.table<string>('t', 1);
    await table.put('a', 'before');
    await expect(table.put('a', 'x'.repeat(900_000))).rejects.toMatchObject(full);
    expect(table.get('a')).toBe('before');
    await table.put('a', 'after');
    await store.close();
    const later = await place.open(join(disk.path, 'records'));
    expect(later.table<string>('t', 1).get('a')).toBe('after');
    await later.close();
  });

  // lmdb itself may not be told so often: it ends the process.
  it('says so as often as it is asked, can remove records, also as the next one, and goes on', async () => {
    await using disk = await smallDisk(8 * MIB);
    await using place = await makePlace();
    const directory = join(disk.path, 'records');
    const store = await place.open(directory);
    const table = store.table<string>('t', 1);
    const keys = Array.from({ length: 300 }, (_, at) => `k${at}`);
    await Promise.all(keys.map((key) => table.put(key, 'x'.repeat(500))));
    const free = await disk.fill();
    const puts = await Promise.allSettled(keys.map((key) => table.put(`n${key}`, 'x'.repeat(20_000))));
    const errors = puts.flatMap((put) => (put.status === 'rejected' ? [put.reason] : []));
    expect(errors.length).toBeGreaterThan(200);
    for (const error of errors) expect(error).toMatchObject(full);
    for (const key of keys.slice(0, 20)) await table.remove(key);
    await store.close();
    const next = await place.open(directory);
    const again = next.table<string>('t', 1);
    expect(keys.filter((key) => again.get(key) !== undefined)).toEqual(keys.slice(20));
    for (const key of keys.slice(20, 40)) await again.remove(key);
    await free();
    await Promise.all(keys.slice(40).map((key) => again.remove(key)));
    expect(keys.filter((key) => again.get(key) !== undefined)).toEqual([]);
    await again.put('large', 'x'.repeat(100_000));
    await next.close();
  });

  it('has room for what may not wait, and then still for removals', async () => {
    await using disk = await smallDisk(8 * MIB);
    await using place = await makePlace();
    const directory = join(disk.path, 'records');
    const store = await place.open(directory);
    const table = store.table<string>('t', 1);
    const keys = Array.from({ length: 400 }, (_, at) => `k${at}`);
    await Promise.all(keys.map((key) => table.put(key, 'x'.repeat(1_000))));
    const free = await disk.fill();
    let [n, more, reserved] = [0, true, true];
    while (more)
      more = await table.put(`n${n++}`, 'x'.repeat(1_000)).then(
        () => true,
        () => false,
      );
    for (const key of keys.slice(0, 100)) await table.put(key, 'y'.repeat(1_100), { fromReserve: true });
    await expect(table.put('other', 'x'.repeat(1_000))).rejects.toMatchObject(full);
    // New ones take it all, which no core does.
    for (let at = 0; reserved; at++)
      reserved = await table.put(`r${at}`, 'x'.repeat(20_000), { fromReserve: true }).then(
        () => true,
        (error) => {
          expect(error).toMatchObject(full);
          return false;
        },
      );
    for (const key of keys.slice(0, 20)) await table.remove(key);
    await store.close();
    const next = await place.open(directory);
    const again = next.table<string>('t', 1);
    for (const key of keys.slice(20, 100)) expect(again.get(key)).toBe('y'.repeat(1_100));
    await free();
    await next.close();
  });

  // What lmdb maps and finds no room for ends the process.
  it.each([0, 4, 8, 12, 16])('does not begin, and says so, with %i KiB left', async (kib) => {
    await using disk = await smallDisk(MIB);
    await using place = await makePlace();
    await disk.fill(kib * 1024);
    await expect(place.open(join(disk.path, 'records'))).rejects.toMatchObject({
      code: 'no_capacity',
      message: expect.stringMatching(/^cannot open the records in .*: the disk is full$/),
    });
  });
});

describe('a store on a disk that fails', () => {
  it('says so as often as it is asked, shows what is durable, and is whole when the disk is well again', async () => {
    await using disk = await failingDisk(16 * MIB);
    await using place = await makePlace();
    const readOnly = (what: string) => ({
      code: 'unavailable',
      message: expect.stringMatching(`^cannot ${what} .*: its file system can only be read$`),
      hint: expect.stringContaining('dmesg'),
    });
    const directory = join(disk.path, 'records');
    const store = await place.open(directory);
    const table = store.table<string>('t', 1);
    await table.put('a', 'before');
    disk.fail();
    for (let turn = 0; turn < 100; turn++) {
      await expect(table.put('a', 'after')).rejects.toMatchObject(readOnly('store the record'));
      await expect(table.remove('a')).rejects.toMatchObject(readOnly('store'));
    }
    expect(table.get('a')).toBe('before');
    await store.close();
    await expect(place.open(directory)).rejects.toMatchObject(readOnly('open the records in'));
    disk.repair();
    const next = await place.open(directory);
    expect(next.table<string>('t', 1).get('a')).toBe('before');
    await next.table<string>('t', 1).put('a', 'after');
    await next.close();
  });
});
