import { describe, expect, it } from 'vitest';
import type { LogStore, LogWriter } from '../../../src/core/logs/log-store.ts';
import { wholeLog } from '../../../src/core/model/logs.ts';
import { collect, droppedOf, makePlace, textOf } from './harness.ts';

const say = (writer: LogWriter, text: string, stream: 'stdout' | 'stderr' = 'stdout'): Promise<void> =>
  writer.append({ stream, offset: writer.offsets[stream], data: Buffer.from(text) });

/** The log of a process that has said `first` and has ended. */
async function ended(store: LogStore): Promise<void> {
  const writer = await store.writer('one');
  await say(writer, 'first');
  await say(writer, 'problem\n', 'stderr');
  await writer.end();
  await writer.close();
}

describe('a log that the next generation goes on with', () => {
  it('has all of it, in one sequence, and counts the offsets of each process from its own beginning', async () => {
    await using place = await makePlace();
    const store = await place.open();
    await ended(store);
    const begin = await store.handOver('one', 'two');
    expect(begin).toEqual({ stdout: 5, stderr: 8 });
    const writer = await store.writer('two', begin);
    expect(writer.offsets).toEqual({ stdout: 0, stderr: 0 });
    await writer.append({ stream: 'stdout', offset: 0, data: Buffer.from('second\n') });
    await writer.append({ stream: 'stdout', offset: 0, data: Buffer.from('second\nthird\n') });
    expect(writer.offsets).toEqual({ stdout: 13, stderr: 0 });
    await writer.skipTo({ stdout: 20, stderr: 0 });
    await writer.end({ stdout: 20, stderr: 3 });
    await writer.close();
    const entries = await collect(store, { follow: true }, 'two');
    expect(textOf(entries)).toBe('firstproblem\nsecond\nthird\n');
    expect(droppedOf(entries)).toBe(10);
    expect(textOf(await collect(store, { afterSeq: 13 }, 'two'))).toBe('second\nthird\n');
    expect(textOf(await collect(store, { tail: 2 }, 'two'))).toBe('second\nthird\n');
    expect(await store.list()).toEqual(['two']);
    expect(await collect(store, {}, 'one')).toEqual([]);
  });

  it('goes on in the next core, whether or not anything was said, and is complete when its process was', async () => {
    await using place = await makePlace();
    const store = await place.open();
    await ended(store);
    const begin = await store.handOver('one', 'two');
    await (await store.writer('two', begin)).close();
    await store.close();
    const next = await place.open();
    const writer = await next.writer('two', begin);
    await say(writer, 'second\n');
    await writer.end();
    await writer.close();
    await expect(next.writer('two', begin).then((again) => say(again, 'late'))).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(textOf(await collect(next, {}, 'two'))).toBe('firstproblem\nsecond\n');
  });

  it('is read to its end by those who read it meanwhile', async () => {
    await using place = await makePlace();
    const store = await place.open();
    await ended(store);
    const reader = store.read('one', { ...wholeLog, follow: true })[Symbol.asyncIterator]();
    const { value } = await reader.next();
    expect(value?.data.toString()).toBe('first');
    const writer = await store.writer('two', await store.handOver('one', 'two'));
    await say(writer, 'second\n');
    expect((await reader.next()).value?.data.toString()).toBe('problem\n');
    expect((await reader.next()).done).toBe(true);
    await writer.close();
  });

  it('is new where there was none, or what there was is gone', async () => {
    await using place = await makePlace();
    const store = await place.open();
    expect(await store.handOver('one', 'two')).toEqual({ stdout: 0, stderr: 0 });
    const writer = await store.writer('two', { stdout: 5, stderr: 0 });
    await say(writer, 'second\n');
    await writer.close();
    expect(textOf(await collect(store, {}, 'two'))).toBe('second\n');
  });
});
