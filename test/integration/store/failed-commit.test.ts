import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { systemClock } from '../../../src/core/model/clock.ts';
import { openRecordStore } from '../../../src/core/store/record-store.ts';
import { thinDisk } from '../../helpers/core/small-disk.ts';

const writer = fileURLToPath(new URL('../../fixtures/failed-commits.ts', import.meta.url));

it('a disk that fails under commits: each write and read ends with the reason, so does the core, and the next one has what was there and writes on', {
  timeout: 30_000,
}, async () => {
  await using disk = await thinDisk(24 * 1024 * 1024);
  const directory = join(disk.path, 'records');
  // lmdb tells its own standard error, too.
  const child = spawn(process.execPath, ['--import', 'tsx', writer, directory], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const gone = once(child, 'close');
  await using _ = { [Symbol.asyncDispose]: async () => void child.kill('SIGKILL') };
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const said = async (): Promise<unknown> => JSON.parse((await lines.next()).value ?? 'null');
  expect(await said()).toBe('ready');
  const heal = await disk.fail();
  child.stdin.write('go\n');
  const message = expect.stringContaining('no record can be read or written any more');
  const { codes, ...told } = (await said()) as { codes: string[] };
  // Now and then lmdb leaves the first commit that fails unsettled: then none says that there is no room.
  expect([['no_capacity', 'unavailable'], ['unavailable']]).toContainEqual(codes);
  expect(told).toMatchObject({
    last: {
      code: 'unavailable',
      message,
      hint: expect.stringContaining('the next command starts the next core'),
    },
  });
  await heal();
  child.stdin.write('go\n');
  expect(await said()).toEqual(Array(5).fill('unavailable'));
  expect(await gone).toEqual([0, null]);

  const next = await openRecordStore({ directory, clock: systemClock, log: pino({ level: 'silent' }) });
  const table = next.table<string>('t', 1);
  expect(table.get('before')).toBe('x');
  await table.put('later', 'x');
  expect(table.get('later')).toBe('x');
  await next.close();
});
