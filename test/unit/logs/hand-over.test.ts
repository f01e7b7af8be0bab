import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { describe, expect, it, vi } from 'vitest';
import type { LogStore } from '../../../src/core/logs/log-store.ts';
import { wholeLog } from '../../../src/core/model/logs.ts';
import { gate } from '../../helpers/gate.ts';
import { collect, droppedOf, handedOver, linesOf, lost, makePlace, SMALL, say, textOf } from './harness.ts';

/** The log of a process that has said `first` and has ended. */
async function ended(store: LogStore): Promise<void> {
  const writer = await store.writer('one');
  await say(writer, 'first');
  await say(writer, 'problem\n', 'stderr');
  await writer.end();
  await writer.close();
}

/** Waits to be begun; what was renamed is in its new place for a while before who renamed it hears of that. */
function slowRename() {
  const { rename } = fs;
  const [begun, renamed, heard] = [gate(), gate(), gate()];
  const spy = vi.spyOn(fs, 'rename').mockImplementation(async (from, to) => {
    await begun.promise;
    await rename(from, to);
    renamed.open();
    await heard.promise;
  });
  syncBuiltinESMExports();
  return {
    async begin() {
      begun.open();
      await renamed.promise;
    },
    hear: heard.open,
    [Symbol.dispose]() {
      spy.mockRestore();
      syncBuiltinESMExports();
    },
  };
}

/** Time for reads. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

describe('a log that the next generation goes on with', () => {
  it('has all of it, in one sequence, and counts the offsets of each process from its own beginning', async () => {
    await using place = await makePlace();
    const store = await place.open();
    await ended(store);
    const begin = await handedOver(store);
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
    const begin = await handedOver(store);
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
    const writer = await store.writer('two', await handedOver(store));
    await say(writer, 'second\n');
    expect((await reader.next()).value?.data.toString()).toBe('problem\n');
    expect((await reader.next()).done).toBe(true);
    await writer.close();
  });

  it('is new where there was none, or what there was is gone', async () => {
    await using place = await makePlace();
    const store = await place.open();
    expect(await handedOver(store)).toEqual({ stdout: 0, stderr: 0 });
    const writer = await store.writer('two', { stdout: 5, stderr: 0 });
    await say(writer, 'second\n');
    await writer.close();
    expect(textOf(await collect(store, {}, 'two'))).toBe('second\n');
  });
});

describe('while a log is handed over', () => {
  it('its followers read on, also in the moment in which it is in its new place and nobody knows', async () => {
    await using place = await makePlace();
    const store = await place.open(SMALL);
    await lost(store);
    using move = slowRename();
    const reader = store.read('one', { ...wholeLog, follow: true })[Symbol.asyncIterator]();
    let text = (await reader.next()).value!.data.toString();
    const handing = store.handOver('one', 'two');
    await move.begin();
    const rest = (async () => {
      for await (const { data } of { [Symbol.asyncIterator]: () => reader }) text += data;
    })();
    // It has tried by then.
    await turns();
    move.hear();
    await Promise.all([handing, rest]);
    expect(text).toBe(linesOf(10).join(''));
  });

  it('its followers read on over several of them, to the end of what there was', async () => {
    await using place = await makePlace();
    const store = await place.open(SMALL);
    await lost(store);
    const first = store.read('one', { ...wholeLog, follow: true })[Symbol.asyncIterator]();
    let text = (await first.next()).value!.data.toString();
    const writer = await store.writer('two', await handedOver(store));
    await say(writer, 'second\n');
    await writer.close();
    const second = store.read('two', { ...wholeLog, follow: true })[Symbol.asyncIterator]();
    await second.next();
    await handedOver(store, 'two', 'three');
    await handedOver(store, 'three', 'four');
    for await (const { data } of { [Symbol.asyncIterator]: () => first }) text += data;
    expect(text).toBe(linesOf(10).join(''));
    text = linesOf(1)[0]!;
    for await (const { data } of { [Symbol.asyncIterator]: () => second }) text += data;
    expect(text).toBe(`${linesOf(10).join('')}second\n`);
    await store.remove('four');
    expect(await store.list()).toEqual([]);
  });

  it('who comes to read the next one’s waits for it', async () => {
    await using place = await makePlace();
    const store = await place.open(SMALL);
    await lost(store);
    using move = slowRename();
    const handing = store.handOver('one', 'two');
    await turns();
    const early = collect(store, {}, 'two');
    await turns();
    await move.begin();
    const late = collect(store, {}, 'two');
    const old = collect(store, {}, 'one');
    move.hear();
    await handing;
    expect(await store.offsets('two')).toEqual({ stdout: linesOf(10).join('').length, stderr: 0 });
    for (const read of [early, late]) expect(textOf(await read)).toBe(linesOf(10).join(''));
    expect(await old).toEqual([]);
  });

  it('who waits for the next one’s gets it, from the line on that was asked for', async () => {
    await using place = await makePlace();
    const store = await place.open(SMALL);
    await lost(store);
    const follow = (tail?: number) => {
      const query = { ...wholeLog, follow: true, ...(tail !== undefined && { tail }) };
      const reader = store.read('two', query)[Symbol.asyncIterator]();
      return { reader, first: reader.next() };
    };
    const [all, some] = [follow(), follow(2)];
    await turns();
    const begin = await handedOver(store);
    expect(begin.stdout).toBe(linesOf(10).join('').length);
    expect((await all.first).value?.data.toString()).toBe(linesOf(10)[0]);
    expect((await some.first).value?.data.toString()).toBe(linesOf(10)[8]);
    const writer = await store.writer('two', begin);
    await say(writer, 'more\n');
    expect((await some.reader.next()).value?.data.toString()).toBe(linesOf(10)[9]);
    expect((await some.reader.next()).value?.data.toString()).toBe('more\n');
    await writer.end();
    await writer.close();
    expect((await some.reader.next()).done).toBe(true);
    await all.reader.return?.();
    expect(textOf(await collect(store, {}, 'two'))).toBe(`${linesOf(10).join('')}more\n`);
  });

  it('a removal of either waits, and removes it', async () => {
    await using place = await makePlace();
    const store = await place.open(SMALL);
    await lost(store);
    using move = slowRename();
    const handing = store.handOver('one', 'two');
    await move.begin();
    const removing = Promise.all([store.remove('one'), store.remove('two')]);
    move.hear();
    await Promise.all([handing, removing]);
    expect(await store.list()).toEqual([]);
  });
});
