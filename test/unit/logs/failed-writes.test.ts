import { mkdirSync, readdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { IndexFile } from '../../../src/core/logs/index-file.ts';
import type { LogWriter } from '../../../src/core/logs/log-store.ts';
import { wholeLog } from '../../../src/core/model/logs.ts';
import { newTally } from '../../../src/core/model/tally.ts';
import { collect, descriptorsBelow, droppedOf, makePlace, type Place, textOf } from './harness.ts';

/** That of every open file: a disk that fails is one whose files do. */
let files: FileHandle;
beforeAll(async () => {
  const handle = await open('/dev/null');
  files = Object.getPrototypeOf(handle);
  await handle.close();
});
afterEach(() => vi.restoreAllMocks());

const failure = (code: string): Error => Object.assign(new Error(`${code}: as the test has it`), { code });

/** Every write of a log fails from now on, behind so much of it, until the returned function is called. */
function failWrites(part: 'nothing' | 'half' | 'all' = 'nothing'): () => void {
  const { writev } = files;
  const spy = vi.spyOn(files, 'writev').mockImplementation(async function (this: FileHandle, pieces, at) {
    const bytes = Buffer.concat(pieces as Uint8Array[]);
    const length = { nothing: 0, half: bytes.length >> 1, all: bytes.length }[part];
    if (length > 0) await writev.call(this, [bytes.subarray(0, length)], at);
    throw failure('EIO');
  });
  return () => spy.mockRestore();
}

/** What a failed write has left cannot be cut off. */
function failTruncate(): () => void {
  const spy = vi.spyOn(files, 'truncate').mockRejectedValue(failure('EIO'));
  return () => spy.mockRestore();
}

const append = (writer: LogWriter, offset: number, text: string): Promise<void> =>
  writer.append({ stream: 'stdout', offset, data: Buffer.from(text) });

const fails = async (write: Promise<void>): Promise<void> =>
  expect(write).rejects.toMatchObject({ code: 'unavailable' });

describe('a gap is told and counted once', () => {
  const watched = async () => {
    const place = await makePlace();
    const [tally, told] = [newTally().logs, [] as string[]];
    const log = pino({}, { write: (line: string) => told.push(line) });
    const store = await place.open({ tally, log });
    const missing = (): number[] => told.flatMap((line) => JSON.parse(line).missing ?? []);
    return { place, tally, store, missing, writer: await store.writer('box') };
  };

  it('however often what comes behind it is tried', async () => {
    const { place, tally, writer, missing } = await watched();
    await using _ = place;
    const heal = failWrites();
    for (let tries = 0; tries < 10; tries++) await fails(append(writer, 1_000, 'x'));
    expect(missing()).toEqual([]);
    heal();
    await append(writer, 1_000, 'x');
    await append(writer, 1_501, 'y');
    expect([tally.missing, missing()]).toEqual([1_500, [1_000, 500]]);
  });

  it('however often it is skipped', async () => {
    const { place, tally, writer, missing } = await watched();
    await using _ = place;
    const heal = failWrites();
    for (let tries = 0; tries < 3; tries++) await fails(writer.skipTo({ stdout: 7, stderr: 5 }));
    heal();
    await writer.skipTo({ stdout: 7, stderr: 5 });
    expect([tally.missing, missing()]).toEqual([12, [12]]);
  });

  it('however often the end is tried, which somebody else tells of', async () => {
    const { place, tally, store, writer, missing } = await watched();
    await using _ = place;
    await append(writer, 0, 'x');
    const heal = failWrites();
    for (let tries = 0; tries < 3; tries++) await fails(writer.end({ stdout: 11, stderr: 20 }));
    heal();
    await writer.end({ stdout: 11, stderr: 20 });
    await writer.close();
    expect([tally.missing, missing()]).toEqual([30, []]);
    expect(droppedOf(await collect(store))).toBe(30);
  });

  it('when the end can never be written', async () => {
    const { place, tally, writer } = await watched();
    await using _ = place;
    await append(writer, 0, 'x');
    failWrites();
    for (let tries = 0; tries < 3; tries++) await fails(writer.end({ stdout: 11, stderr: 20 }));
    await writer.close();
    expect(tally.missing).toBe(30);
  });
});

describe('what a failed write has left, and what could not be cut off,', () => {
  const lost = 'b'.repeat(40);

  /** A later core reads that, without what was lost, and has no complaint. */
  const expectWhole = async (place: Place, text: string): Promise<void> => {
    const told: string[] = [];
    const store = await place.open({ log: pino({}, { write: (line: string) => told.push(line) }) });
    const entries = await collect(store);
    expect([textOf(entries), droppedOf(entries)]).toEqual([text, 40]);
    await store.writer('box');
    expect(told).toEqual([]);
  };

  it.each(['half', 'all'] as const)('is cut off before the next file is begun (%s of it)', async (part) => {
    await using place = await makePlace();
    const store = await place.open({ segmentBytes: 150 });
    const writer = await store.writer('box');
    await append(writer, 0, 'a\n');
    const path = join(place.directory, 'box', '00000001.log');
    const { size } = statSync(path);
    const heal = [failWrites(part), failTruncate()];
    await fails(append(writer, 2, lost));
    expect(statSync(path).size).toBeGreaterThan(size);
    heal[0]!();
    await expect(append(writer, 42, 'c'.repeat(100))).rejects.toMatchObject({ code: 'unavailable' });
    heal[1]!();
    // It is given up; what comes next has no room in this file.
    await append(writer, 42, 'c'.repeat(100));
    expect(statSync(path).size).toBe(size);
    await store.close();

    await expectWhole(place, `a\n${'c'.repeat(100)}`);
  });

  it('is cut off by the next writer, while somebody follows', async () => {
    await using place = await makePlace();
    const store = await place.open();
    const writer = await store.writer('box');
    await append(writer, 0, 'a\n');
    const follower = store.read('box', { ...wholeLog, follow: true })[Symbol.asyncIterator]();
    await follower.next();
    const heal = [failWrites('all'), failTruncate()];
    await fails(append(writer, 2, lost));
    await writer.close();
    for (const each of heal) each();
    await append(await store.writer('box'), 42, 'c\n');
    await follower.return?.();
    await store.close();
    await expectWhole(place, 'a\nc\n');
  });
});

it('a log of which not all could be set aside is, when that is tried again, while somebody follows', async () => {
  await using place = await makePlace();
  const writer = await (await place.open({ segmentBytes: 1 })).writer('box');
  for (const [at, letter] of [...'abc'].entries()) await append(writer, at, letter);
  await writer.close();
  const at = (name: string): string => join(place.directory, 'box', name);
  for (const name of ['00000001.log', '00000002.log']) writeFileSync(at(name), 'none of ours');
  for (const name of ['00000001.index', '00000002.index']) writeFileSync(at(name), '');
  const store = await place.open();
  const follower = store.read('box', { ...wholeLog, follow: true })[Symbol.asyncIterator]();
  expect((await follower.next()).value?.data.toString()).toBe('c');
  mkdirSync(at('00000001.log.aside'));
  await expect(store.writer('box')).rejects.toMatchObject({ code: 'internal' });
  expect(readdirSync(at('.'))).toContain('00000002.log.aside');
  rmdirSync(at('00000001.log.aside'));
  await append(await store.writer('box'), 3, 'd');
  expect((await follower.next()).value?.data.toString()).toBe('d');
  await follower.return?.();
  const aside = ['00000001.index', '00000001.log', '00000002.index', '00000002.log'];
  expect(readdirSync(at('.')).sort()).toEqual([...aside.map((name) => `${name}.aside`), '00000003.log']);
});

it('a log whose index cannot be closed holds no file open', async () => {
  await using place = await makePlace();
  const store = await place.open({ indexBytes: 1 });
  const writer = await store.writer('box');
  await append(writer, 0, 'one');
  await append(writer, 3, 'two');
  expect(descriptorsBelow(place.directory)).toBe(2);
  const { close } = IndexFile.prototype;
  vi.spyOn(IndexFile.prototype, 'close').mockImplementationOnce(async function (this: IndexFile) {
    await close.call(this);
    throw failure('EIO');
  });
  await expect(writer.close()).rejects.toThrow('EIO');
  expect(descriptorsBelow(place.directory)).toBe(0);
});
