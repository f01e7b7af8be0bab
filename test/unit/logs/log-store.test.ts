import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LogStore, LogWriter } from '../../../src/core/logs/log-store.ts';
import { type LogEntry, type LogQuery, wholeLog } from '../../../src/core/model/logs.ts';
import { collect, descriptorsBelow, droppedOf, makePlace, SetClock, textOf } from './harness.ts';

const say = (writer: LogWriter, text: string, stream: 'stdout' | 'stderr' = 'stdout'): Promise<void> =>
  writer.append({ stream, offset: writer.offsets[stream], data: Buffer.from(text) });

const follow = (
  store: LogStore,
  query: Partial<LogQuery> = {},
  signal?: AbortSignal,
): AsyncIterator<LogEntry> =>
  store.read('box', { ...wholeLog, follow: true, ...query }, signal)[Symbol.asyncIterator]();

async function rest(reader: AsyncIterator<LogEntry>): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for (let step = await reader.next(); !step.done; step = await reader.next()) entries.push(step.value);
  return entries;
}

describe('writing', () => {
  it('skips bytes that it has and records a gap as it is', async () => {
    await using place = await makePlace();
    const store = await place.open();
    const writer = await store.writer('box');
    await writer.append({ stream: 'stdout', offset: 0, data: Buffer.from('hello') });
    await writer.append({ stream: 'stdout', offset: 3, data: Buffer.from('lo world') });
    await writer.append({ stream: 'stdout', offset: 2, data: Buffer.from('llo') });
    await writer.append({ stream: 'stdout', offset: 20, data: Buffer.from('late') });
    const entries = await collect(store);
    expect(textOf(entries)).toBe('hello worldlate');
    expect(entries.map((entry) => entry.dropped)).toEqual([undefined, undefined, 9]);
    expect(writer.offsets).toEqual({ stdout: 24, stderr: 0 });
  });

  it('holds one descriptor while open and none after end or close', async () => {
    await using place = await makePlace();
    const store = await place.open({ segmentBytes: 200 });
    const writer = await store.writer('box');
    expect(descriptorsBelow(place.directory)).toBe(0);
    for (let i = 0; i < 20; i++) await say(writer, `line ${i}\n`);
    expect(descriptorsBelow(place.directory)).toBe(1);
    await writer.end();
    expect(descriptorsBelow(place.directory)).toBe(0);
    const other = await store.writer('other');
    await say(other, 'x');
    await other.close();
    await other.close();
    expect(descriptorsBelow(place.directory)).toBe(0);
  });

  it('refuses a second writer, and bytes after the end, until the log is closed or forever', async () => {
    await using place = await makePlace();
    const store = await place.open();
    const writer = await store.writer('box');
    await expect(store.writer('box')).rejects.toMatchObject({ code: 'conflict' });
    await say(writer, 'all\n');
    await Promise.all([writer.end(), writer.end()]);
    await expect(say(writer, 'more')).rejects.toMatchObject({ code: 'conflict' });
    await writer.close();
    const again = await store.writer('box');
    expect(again.offsets).toEqual({ stdout: 4, stderr: 0 });
    await again.append({ stream: 'stdout', offset: 0, data: Buffer.from('all\n') });
    await again.end();
    expect(textOf(await collect(store))).toBe('all\n');
  });

  it('refuses ids that are paths', async () => {
    await using place = await makePlace();
    const store = await place.open();
    await expect(store.writer('../box')).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(collect(store, {}, '..')).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('knows the offsets of both streams when only one is left in the files', async () => {
    await using place = await makePlace();
    const store = await place.open({ segmentBytes: 100, maxSegments: 1 });
    const writer = await store.writer('box');
    await say(writer, 'problem\n', 'stderr');
    for (let i = 0; i < 9; i++) await say(writer, `line ${i}\n`);
    await writer.close();
    const later = await (await place.open()).writer('box');
    expect(later.offsets).toEqual({ stdout: 63, stderr: 8 });
  });
});

describe('reading', () => {
  it('chooses by stream and by time', async () => {
    await using place = await makePlace();
    const clock = new SetClock();
    const store = await place.open({ clock });
    const writer = await store.writer('box');
    for (const time of [10, 20, 30, 40]) {
      clock.time = time;
      await say(writer, `o${time} `);
      await say(writer, `e${time} `, 'stderr');
    }
    expect(textOf(await collect(store, { stderr: false }))).toBe('o10 o20 o30 o40 ');
    expect(textOf(await collect(store, { stdout: false }))).toBe('e10 e20 e30 e40 ');
    expect(textOf(await collect(store, { since: 20, until: 40 }))).toBe('o20 e20 o30 e30 ');
    expect(textOf(await collect(store, { since: 99 }))).toBe('');
    expect((await collect(store)).map((entry) => entry.time)).toEqual([10, 10, 20, 20, 30, 30, 40, 40]);
  });

  it('loses, doubles and reorders nothing when the wall clock is set back or forward by an hour', async () => {
    await using place = await makePlace();
    const clock = new SetClock();
    const store = await place.open({ clock });
    const writer = await store.writer('box');
    for (const time of [7_200_000, 3_600_000, 3_600_001, 7_200_001]) {
      clock.time = time;
      await say(writer, `${time}\n`);
    }
    await writer.end();
    const whole = '7200000\n3600000\n3600001\n7200001\n';
    expect(textOf(await collect(store))).toBe(whole);
    expect(textOf(await collect(store, { follow: true }))).toBe(whole);
    expect(textOf(await collect(store, { tail: 3 }))).toBe(whole.slice('7200000\n'.length));
    const [, second] = await collect(store);
    expect(textOf(await collect(store, { afterSeq: second!.seq }))).toBe('3600001\n7200001\n');
    // Times never go back: what came after the jump is not older than what came before it.
    expect(textOf(await collect(store, { since: 3_600_001 }))).toBe(whole);
  });

  it('says what rotation dropped, but not when nobody asked for it', async () => {
    await using place = await makePlace();
    const clock = new SetClock();
    const store = await place.open({ clock, segmentBytes: 150, maxSegments: 2 });
    const writer = await store.writer('box');
    for (let i = 0; i < 20; i++) {
      clock.time = i;
      await say(writer, `line ${i}\n`);
    }
    const all = await collect(store);
    expect(all[0]!.dropped).toBe(writer.offsets.stdout - textOf(all).length);
    expect(droppedOf(await collect(store, { tail: 2 }))).toBe(0);
    expect(droppedOf(await collect(store, { tail: 1000 }))).toBe(droppedOf(all));
    expect(droppedOf(await collect(store, { since: 19 }))).toBe(0);
    expect(droppedOf(await collect(store, { since: 1 }))).toBe(droppedOf(all));
  });

  it('reads on behind a damaged place in an older segment', async () => {
    await using place = await makePlace();
    const store = await place.open({ segmentBytes: 150 });
    const writer = await store.writer('box');
    for (let i = 0; i < 7; i++) await say(writer, `line ${i}\n`);
    await writer.close();
    const file = join(place.directory, 'box', readdirSync(join(place.directory, 'box')).sort()[0]!);
    const bytes = readFileSync(file);
    bytes[70] = bytes[70]! ^ 0xff;
    writeFileSync(file, bytes);
    const entries = await collect(await place.open());
    expect(textOf(entries).endsWith('line 6\n')).toBe(true);
    expect(textOf(entries).length + droppedOf(entries)).toBe(49);
    expect(droppedOf(entries)).toBeGreaterThan(0);
  });

  it('yields nothing for a sandbox without a log, and makes no file for it', async () => {
    await using place = await makePlace();
    const store = await place.open();
    expect(await collect(store)).toEqual([]);
    expect(await collect(store, { tail: 5 })).toEqual([]);
    expect(readdirSync(place.directory)).toEqual([]);
  });

  it('lists the sandboxes that have files', async () => {
    await using place = await makePlace();
    const store = await place.open();
    await say(await store.writer('one'), 'x');
    await say(await store.writer('two'), 'x');
    expect((await store.list()).sort()).toEqual(['one', 'two']);
    await store.remove('one');
    await store.remove('one');
    expect(await store.list()).toEqual(['two']);
  });
});

describe('an end with something missing', () => {
  it('shows how much, behind the last entry and to whoever asks for the end', async () => {
    await using place = await makePlace();
    const store = await place.open();
    const writer = await store.writer('box');
    await say(writer, 'kept\n');
    await say(writer, 'kept\n', 'stderr');
    const reader = rest(follow(store));
    await writer.end({ stdout: 105, stderr: 12 });
    for (const entries of [await reader, await collect(store), await collect(await place.open())]) {
      expect(textOf(entries)).toBe('kept\nkept\n');
      expect(entries.at(-1)).toMatchObject({ seq: 117, dropped: 107, data: Buffer.alloc(0) });
    }
    expect(droppedOf(await collect(store, { afterSeq: 10 }))).toBe(107);
    expect(droppedOf(await collect(store, { tail: 1 }))).toBe(107);
    expect(droppedOf(await collect(store, { since: Date.now() + 60_000 }))).toBe(0);
    await writer.close();
    expect((await (await place.open()).writer('box')).offsets).toEqual({ stdout: 105, stderr: 12 });
  });

  it('ends those who follow although it could not be written', async () => {
    await using place = await makePlace();
    const store = await place.open();
    const writer = await store.writer('box');
    await say(writer, 'kept\n');
    const reader = follow(store);
    const begun = (await reader.next()).value;
    const others = rest(reader);
    const folder = join(place.directory, 'box');
    await writer.close();
    const again = await store.writer('box');
    rmSync(folder, { recursive: true });
    await expect(again.end()).rejects.toMatchObject({ code: 'internal' });
    await again.close();
    expect(textOf([begun, ...(await others)])).toBe('kept\n');
  });
});

describe('following', () => {
  it('delivers each append, across rotation, and ends with the log', async () => {
    await using place = await makePlace();
    const store = await place.open({ segmentBytes: 120 });
    const reader = follow(store);
    const early = reader.next();
    const writer = await store.writer('box');
    await say(writer, 'first\n');
    expect(textOf([(await early).value])).toBe('first\n');
    for (let i = 0; i < 12; i++) {
      const next = reader.next();
      await say(writer, `line ${i}\n`);
      expect((await next).value).toMatchObject({ stream: 'stdout', data: Buffer.from(`line ${i}\n`) });
    }
    const last = reader.next();
    await writer.end();
    expect((await last).done).toBe(true);
  });

  it('starts at the tail and goes on with what comes', async () => {
    await using place = await makePlace();
    const store = await place.open();
    const writer = await store.writer('box');
    await say(writer, 'one\ntwo\nthree\n');
    const [two, none] = [follow(store, { tail: 2 }), follow(store, { tail: 0 })];
    expect(textOf([(await two.next()).value])).toBe('two\nthree\n');
    const fresh = none.next();
    // The reader has found its start once it waits; that takes turns of the event loop, not time.
    await collect(store);
    await say(writer, 'four\n');
    await writer.end();
    expect(textOf([(await fresh).value])).toBe('four\n');
    expect(textOf(await rest(two))).toBe('four\n');
  });

  it('serves many followers, each with everything', async () => {
    await using place = await makePlace();
    const store = await place.open({ segmentBytes: 2000, maxSegments: 1000 });
    const writer = await store.writer('box');
    const readers = Array.from({ length: 40 }, () => rest(follow(store)));
    let expected = '';
    for (let i = 0; i < 300; i++) {
      expected += `line ${i}\n`;
      const appended = say(writer, `line ${i}\n`);
      if (i % 7 === 0) await appended;
      else await appended.catch(() => {});
    }
    await writer.end();
    for (const entries of await Promise.all(readers)) expect(textOf(entries)).toBe(expected);
    expect(descriptorsBelow(place.directory)).toBe(0);
  });

  it('tells a slow follower what it missed when rotation overtook it', async () => {
    await using place = await makePlace();
    const store = await place.open({ segmentBytes: 200, maxSegments: 2 });
    const writer = await store.writer('box');
    const reader = follow(store);
    await say(writer, 'first\n');
    await reader.next();
    for (let i = 0; i < 50; i++) await say(writer, `line ${i}\n`);
    await writer.end();
    const entries = await rest(reader);
    expect(entries[0]!.dropped).toBeGreaterThan(0);
    expect(6 + textOf(entries).length + droppedOf(entries)).toBe(writer.offsets.stdout);
    expect(textOf(entries).endsWith('line 49\n')).toBe(true);
  });

  it('ends when the log is removed, and the writer is told', async () => {
    await using place = await makePlace();
    const store = await place.open();
    const writer = await store.writer('box');
    await say(writer, 'x');
    const reader = follow(store);
    await reader.next();
    const end = reader.next();
    await store.remove('box');
    expect((await end).done).toBe(true);
    await expect(say(writer, 'y')).rejects.toMatchObject({ code: 'conflict' });
    expect(existsSync(join(place.directory, 'box'))).toBe(false);
    expect(descriptorsBelow(place.directory)).toBe(0);
    expect((await store.writer('box')).offsets).toEqual({ stdout: 0, stderr: 0 });
  });

  it('ends at a moment of the future without output', async () => {
    await using place = await makePlace();
    const store = await place.open();
    const writer = await store.writer('box');
    await say(writer, 'x');
    const entries = await rest(follow(store, { until: Date.now() + 50 }));
    expect(textOf(entries)).toBe('x');
  });

  it('is cancelled by its signal, and told when the store closes', async () => {
    await using place = await makePlace();
    const store = await place.open();
    const abort = new AbortController();
    const cancelled = follow(store, {}, abort.signal).next();
    const cut = follow(store).next();
    const expectations = [
      expect(cancelled).rejects.toMatchObject({ code: 'cancelled' }),
      expect(cut).rejects.toMatchObject({ code: 'unavailable' }),
    ];
    await collect(store);
    abort.abort();
    await store.close();
    await store.close();
    await Promise.all(expectations);
  });
});

describe('output of any shape', () => {
  const MIB = 1024 * 1024;

  it('has a line that is longer than a segment, binary data and an unfinished line as they were, in order', async () => {
    await using place = await makePlace();
    const options = { segmentBytes: 200_000, maxSegments: 100, indexBytes: 50_000 };
    const store = await place.open(options);
    const writer = await store.writer('box');
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
    const long = Buffer.concat([Buffer.alloc(MIB, 'l'), Buffer.from('\n')]);
    await say(writer, 'before\n');
    await writer.append({ stream: 'stdout', offset: 7, data: long });
    await say(writer, 'an error between two\n', 'stderr');
    await writer.append({ stream: 'stdout', offset: 7 + long.length, data: bytes });
    await say(writer, 'unfinished');
    await writer.close();
    for (const opened of [store, await place.open(options)]) {
      const entries = await collect(opened);
      const stdout = Buffer.concat(entries.filter((e) => e.stream === 'stdout').map((e) => e.data));
      const expected = Buffer.concat([Buffer.from('before\n'), long, bytes, Buffer.from('unfinished')]);
      expect(stdout.equals(expected)).toBe(true);
      const runs = entries.map(({ stream }) => stream).filter((name, at, all) => name !== all[at - 1]);
      expect(runs).toEqual(['stdout', 'stderr', 'stdout']);
      // The unfinished line began with what follows the newline among the bytes.
      const tail = await collect(opened, { tail: 1 });
      expect(Buffer.concat(tail.map((e) => e.data))).toEqual(
        Buffer.concat([bytes.subarray(11), Buffer.from('unfinished')]),
      );
      const long2 = await collect(opened, { tail: 3, stderr: false });
      expect(textOf(long2).length).toBe(long.length + bytes.length + 'unfinished'.length);
      expect(droppedOf(long2)).toBe(0);
    }
  });

  it('goes on in the last line when a next core writes on', async () => {
    await using place = await makePlace();
    const first = await (await place.open()).writer('box');
    await say(first, 'half a ');
    await first.close();
    const store = await place.open();
    const writer = await store.writer('box');
    await say(writer, 'line\nand another\n');
    expect(textOf(await collect(store, { tail: 2 }))).toBe('half a line\nand another\n');
    expect(textOf(await collect(store, { tail: 1 }))).toBe('and another\n');
  });

  it('is found by time at the border of two segments', async () => {
    await using place = await makePlace();
    const clock = new SetClock();
    const store = await place.open({ clock, segmentBytes: 100, maxSegments: 100 });
    const writer = await store.writer('box');
    for (let time = 10; time <= 60; time += 10) {
      clock.time = time;
      await say(writer, `${time}${'.'.repeat(50)}\n`);
    }
    // One record a segment: every time is a border.
    expect(readdirSync(join(place.directory, 'box'))).toHaveLength(6);
    const times = async (query: Partial<LogQuery>): Promise<number[]> =>
      (await collect(store, query)).map(({ time }) => time);
    expect(await times({ since: 30 })).toEqual([30, 40, 50, 60]);
    expect(await times({ since: 30.5, until: 50 })).toEqual([40]);
    expect(await times({ since: 30, until: 30 })).toEqual([]);
    expect(await times({ until: 10 })).toEqual([]);
    expect(await times({ until: 10.5 })).toEqual([10]);
    expect(await times({ since: 20, tail: 2, until: 50 })).toEqual([30, 40]);
  });

  it('is written once although what rotation drops cannot be removed, and that goes later', async () => {
    await using place = await makePlace();
    const options = { segmentBytes: 100, maxSegments: 2 };
    const store = await place.open(options);
    const writer = await store.writer('box');
    await say(writer, `${'1'.repeat(50)}\n`);
    const oldest = join(place.directory, 'box', '00000001.log');
    const bytes = readFileSync(oldest);
    // No file any more: rm() refuses it.
    rmSync(oldest);
    mkdirSync(oldest);
    for (const digit of ['2', '3', '4']) await say(writer, `${digit.repeat(50)}\n`);
    expect(textOf(await collect(store))).toBe(`${'3'.repeat(50)}\n${'4'.repeat(50)}\n`);
    await writer.close();
    rmSync(oldest, { recursive: true });
    writeFileSync(oldest, bytes);
    // As a core leaves it that was killed in the middle of a rotation: one segment too many.
    const next = await (await place.open(options)).writer('box');
    expect(next.offsets.stdout).toBe(4 * 51);
    expect(readdirSync(join(place.directory, 'box'))).toEqual(['00000003.log', '00000004.log']);
  });

  it('is not held up by a file in its folder that is none of its own', async () => {
    await using place = await makePlace();
    const writer = await (await place.open()).writer('box');
    await say(writer, 'x\n');
    await writer.close();
    writeFileSync(join(place.directory, 'box', 'notes.txt'), 'hello');
    expect(textOf(await collect(await place.open()))).toBe('x\n');
  });

  it('tells how much room it takes', async () => {
    await using place = await makePlace();
    const store = await place.open();
    await say(await store.writer('one'), 'x'.repeat(1000));
    await say(await store.writer('two'), 'x'.repeat(500));
    const [one, two] = [await store.size('one'), await store.size('two')];
    expect(one).toBeGreaterThan(1000);
    expect(await store.size()).toBe(one + two);
    expect(await store.size('none')).toBe(0);
  });
});
