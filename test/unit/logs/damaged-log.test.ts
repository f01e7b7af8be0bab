import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { collect, droppedOf, makePlace, type Place, textOf } from './harness.ts';

const first = '00000001.log';

async function written(text: string) {
  const place = await makePlace();
  const writer = await (await place.open()).writer('box');
  for (const [at, letter] of [...text].entries())
    await writer.append({ stream: 'stdout', offset: at, data: Buffer.from(letter) });
  await writer.close();
  return place;
}

describe('a log that somebody has been at', () => {
  it('is read and written past files that are none of ours', async () => {
    await using place = await written('ab');
    const names = ['99999999999999999999.log', '000000001.log', '00000NaN.log', '00000002.log.old', 'x'];
    for (const name of names) writeFileSync(join(place.directory, 'box', name), 'no log');
    const store = await place.open();
    expect(textOf(await collect(store))).toBe('ab');
    const writer = await store.writer('box');
    await writer.append({ stream: 'stdout', offset: 2, data: Buffer.from('c') });
    await writer.close();
    expect(textOf(await collect(store))).toBe('abc');
  });

  it('is read up to what is damaged, and the core is told so also when nobody writes to it', async () => {
    await using place = await written('abc');
    const path = join(place.directory, 'box', first);
    const bytes = readFileSync(path);
    bytes[bytes.length - 6]! ^= 1;
    writeFileSync(path, bytes);
    const told: string[] = [];
    const store = await place.open({ log: pino({}, { write: (line: string) => told.push(line) }) });
    expect(textOf(await collect(store))).toBe('ab');
    expect(told).toEqual([expect.stringContaining('it is damaged from byte 90 on')]);
  });
});

const path = (place: Place, name: string): string => join(place.directory, 'box', name);
const names = (place: Place): string[] => readdirSync(join(place.directory, 'box')).sort();

/** Changes a byte of a file. */
function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  writeFileSync(file, bytes);
}

/** Writes to the log, as a core that has taken its sandbox up. `from`: what the guest has no more. */
async function writeOn(place: Place, text: string, from?: number): Promise<void> {
  const store = await place.open();
  const writer = await store.writer('box');
  if (from !== undefined) await writer.skipTo({ stdout: from, stderr: 0 });
  const offset = from ?? writer.offsets.stdout;
  if (text !== '') await writer.append({ stream: 'stdout', offset, data: Buffer.from(text) });
  await writer.close();
  await store.close();
}

/** With one segment for each letter. */
async function writtenApart(text: string): Promise<Place> {
  const place = await makePlace();
  const writer = await (await place.open({ segmentBytes: 1, maxSegments: 9 })).writer('box');
  for (const [at, letter] of [...text].entries())
    await writer.append({ stream: 'stdout', offset: at, data: Buffer.from(letter) });
  await writer.close();
  return place;
}

describe('a log that is written on, of which something cannot be read, keeps it', () => {
  it('when the first record of its only file is damaged', async () => {
    await using place = await written('abc');
    flip(path(place, first), 12);
    const before = readFileSync(path(place, first));
    await writeOn(place, 'd', 3);
    expect(names(place)).toEqual(['00000001.log.aside', '00000002.log']);
    expect(readFileSync(path(place, '00000001.log.aside')).equals(before)).toBe(true);
    const entries = await collect(await place.open());
    expect([textOf(entries), droppedOf(entries)]).toEqual(['d', 3]);
  });

  it('when a record in the middle is damaged, and all behind it with that', async () => {
    await using place = await written('abc');
    // Magic, one record of 41 bytes, and then the length of the second one: it seems to be cut short.
    flip(path(place, first), 8 + 41 + 5);
    const before = readFileSync(path(place, first));
    await writeOn(place, 'd', 3);
    for (const name of [first, '00000001.log.aside'])
      expect(readFileSync(path(place, name)).equals(before)).toBe(true);
    const entries = await collect(await place.open());
    expect([textOf(entries), droppedOf(entries)]).toEqual(['ad', 2]);
    // Once more, and nothing more is set aside.
    await writeOn(place, 'e');
    expect(names(place)).toEqual([first, '00000001.log.aside', '00000002.log']);
    expect(textOf(await collect(await place.open()))).toBe('ade');
  });

  it('when it is that of a later version', async () => {
    await using place = await writtenApart('abc');
    for (const name of names(place)) {
      const bytes = readFileSync(path(place, name));
      bytes.write('FSBLOG2');
      writeFileSync(path(place, name), bytes);
    }
    await writeOn(place, 'd', 3);
    expect(names(place)).toEqual([1, 2, 3].map((n) => `0000000${n}.log.aside`).concat('00000004.log'));
    const entries = await collect(await place.open());
    expect([textOf(entries), droppedOf(entries)]).toEqual(['d', 3]);
  });

  it('when a file of it cannot be read at all', async () => {
    await using place = await written('abc');
    mkdirSync(path(place, '00000002.log'));
    expect(textOf(await collect(await place.open()))).toBe('abc');
    await writeOn(place, 'd');
    expect(names(place)).toEqual([first, '00000002.log.aside']);
    expect(textOf(await collect(await place.open()))).toBe('abcd');
  });

  it('and tells what is missing before anything new comes', async () => {
    await using place = await written('abc');
    await writeOn(place, '', 7);
    const entries = await collect(await place.open());
    expect([textOf(entries), droppedOf(entries)]).toEqual(['abc', 4]);
    await writeOn(place, 'd');
    const after = await collect(await place.open());
    expect([textOf(after), droppedOf(after)]).toEqual(['abcd', 4]);
  });

  it('but not the beginning of a record, which a core that was killed has left', async () => {
    await using place = await written('abc');
    const bytes = readFileSync(path(place, first));
    writeFileSync(path(place, first), bytes.subarray(0, bytes.length - 7));
    await writeOn(place, 'c');
    expect(names(place)).toEqual([first]);
    expect(textOf(await collect(await place.open()))).toBe('abc');
  });
});
