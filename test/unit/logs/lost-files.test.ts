import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LogStore } from '../../../src/core/logs/log-store.ts';
import { wholeLog } from '../../../src/core/model/logs.ts';
import { collect, droppedOf, makePlace, type Place, SetClock, say, textOf } from './harness.ts';

const LINES = ['one\n', 'two\n', 'three\n'];
const BYTES = LINES.join('').length;
const box = (place: Place): string => join(place.directory, 'box');
const first = (place: Place): string => join(box(place), '00000001.log');

/** What is there of the log, and how many bytes of it are told to be missing. */
async function told(store: LogStore, query: Parameters<typeof collect>[1] = {}): Promise<[string, number]> {
  const entries = await collect(store, query);
  return [textOf(entries), droppedOf(entries)];
}

/** The log of a process that runs. */
async function running(place: Place, clock = new SetClock()) {
  const store = await place.open({ clock });
  const writer = await store.writer('box');
  for (const line of LINES) await say(writer, line);
  return { store, writer };
}

it('a log that is written to tells what is gone of its files', async () => {
  await using place = await makePlace();
  const { store, writer } = await running(place);
  expect(await store.isWhole('box')).toBe(true);
  truncateSync(first(place), 60);
  expect(await told(store)).toEqual(['one\n', BYTES - 4]);
  expect(await store.isWhole('box')).toBe(false);
  rmSync(box(place), { recursive: true });
  expect(await store.isWhole('box')).toBe(false);
  for (const query of [{}, { tail: 2 }, { stdout: false }])
    expect(await told(store, query)).toEqual(['', BYTES]);
  // Nobody has asked for anything that was.
  for (const query of [{ tail: 0 }, { since: 1_001 }, { until: 1_000 }, { afterSeq: BYTES }])
    expect(await told(store, query)).toEqual(['', 0]);
  await writer.close();
});

it('a follower is told at once, and goes on', async () => {
  await using place = await makePlace();
  const { store, writer } = await running(place);
  truncateSync(first(place), 60);
  const followed = store.read('box', { ...wholeLog, follow: true })[Symbol.asyncIterator]();
  expect((await followed.next()).value).toMatchObject({ data: Buffer.from(LINES[0]!) });
  expect((await followed.next()).value).toMatchObject({
    data: Buffer.alloc(0),
    dropped: BYTES - 4,
    seq: BYTES,
  });
  await say(writer, 'four\n');
  const { value } = await followed.next();
  expect([textOf([value]), droppedOf([value])]).toEqual(['four\n', 0]);
  await followed.return?.();
  await writer.close();
});

describe('a log of which the record says how much was said', () => {
  const until = 2_000;
  const said = () => ({ offsets: { stdout: BYTES, stderr: 0 }, until });

  async function ended(place: Place): Promise<LogStore> {
    const { writer, store } = await running(place);
    await writer.end();
    await writer.close();
    await store.close();
    return place.open({ said });
  }

  it('is as it was, when its files have it', async () => {
    await using place = await makePlace();
    const store = await ended(place);
    expect(await told(store)).toEqual([LINES.join(''), 0]);
    expect(await store.isWhole('box')).toBe(true);
  });

  it.each([
    ['cut in a record', (place: Place) => truncateSync(first(place), 60), 'one\n'],
    ['cut between two', (place: Place) => truncateSync(first(place), 52), 'one\n'],
    ['garbage', (place: Place) => writeFileSync(first(place), 'x'.repeat(500)), ''],
    ['empty', (place: Place) => truncateSync(first(place), 0), ''],
    ['gone', (place: Place) => rmSync(box(place), { recursive: true }), ''],
  ])('tells what is missing of one that is %s', async (_, harm, left) => {
    await using place = await makePlace();
    const store = await ended(place);
    harm(place);
    expect(await store.isWhole('box')).toBe(false);
    expect(await told(store)).toEqual([left, BYTES - left.length]);
    expect(await told(store, { tail: 9 })).toEqual([left, BYTES - left.length]);
    expect((await told(store, { since: until }))[1]).toBe(BYTES - left.length);
    expect(await told(store, { since: until + 1 })).toEqual(['', 0]);
    expect(await store.offsets('box')).toEqual({ stdout: BYTES, stderr: 0 });
  });
});

it('the torn end of a log, of which nothing is on record, is left out', async () => {
  await using place = await makePlace();
  const { writer, store } = await running(place);
  await writer.close();
  await store.close();
  truncateSync(first(place), 60);
  const next = await place.open();
  expect(await told(next)).toEqual(['one\n', 0]);
  expect(await next.isWhole('box')).toBe(true);
});
