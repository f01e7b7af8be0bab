import { afterEach, expect, it } from 'vitest';
import { wholeLog } from '../../../src/core/model/logs.ts';
import { errorOf } from '../../contract/workbench.ts';
import { limiter } from '../../helpers/descriptor-limit.ts';
import { collect, makePlace, textOf } from '../../unit/logs/harness.ts';

const files = limiter();
afterEach(() => files.set(files.usual));

const tooMany = (what: string) => ({
  code: 'no_capacity',
  message: `cannot ${what} the log of sandbox box: the core has too many files open`,
  hint: expect.stringContaining('raise the limit of open files'),
});

it('a log that cannot be read or written for want of descriptors says so, and can be when there are some', async () => {
  await using place = await makePlace();
  const store = await place.open({ segmentBytes: 400 });
  const writer = await store.writer('box');
  const say = (text: string): Promise<void> =>
    writer.append({ stream: 'stdout', offset: writer.offsets.stdout, data: Buffer.from(text) });
  for (let i = 0; i < 12; i++) await say(`line ${i}\n`);
  const text = textOf(await collect(store));
  const reader = store.read('box', wholeLog)[Symbol.asyncIterator]();
  await reader.next();

  // Fewer than are open.
  await files.set(10);
  for (const query of [{}, { tail: 2 }, { since: 0 }])
    expect(await errorOf(collect(store, query))).toMatchObject(tooMany('read'));
  expect(await errorOf(collect(await place.open()))).toMatchObject(tooMany('read'));
  // In the middle of one, when it comes to its next segment.
  const rest = async (): Promise<void> => {
    while (!(await reader.next()).done);
  };
  expect(await errorOf(rest())).toMatchObject(tooMany('read'));
  await writer.close();
  expect(await errorOf(store.writer('box'))).toMatchObject(tooMany('write'));

  await files.set(files.usual);
  expect(textOf(await collect(store))).toBe(text);
  const again = await store.writer('box');
  await again.append({ stream: 'stdout', offset: again.offsets.stdout, data: Buffer.from('more\n') });
  expect(textOf(await collect(store, { tail: 1 }))).toBe('more\n');
});
