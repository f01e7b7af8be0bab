import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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
    // Time is what each line was given.
    expect(textOf(await collect(store, { since: 3_600_001 }))).toBe('7200000\n3600001\n7200001\n');
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
