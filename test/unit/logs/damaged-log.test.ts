import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { collect, makePlace, textOf } from './harness.ts';

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
    expect(told).toEqual([expect.stringContaining('a log ends with bytes that are no record')]);
  });
});
