import { mkdirSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { wholeLog } from '../../../src/core/model/logs.ts';
import {
  collect,
  droppedOf,
  handedOver,
  linesOf,
  lost,
  makePlace,
  type Place,
  SMALL,
  say,
  textOf,
} from './harness.ts';

describe('the files of a log that was handed over', () => {
  const filesOf = (place: Place, id: string): string[] => readdirSync(join(place.directory, id)).sort();

  it('are as many as those of any other, over however many generations, and count what is missing', async () => {
    await using place = await makePlace();
    const store = await place.open({ segmentBytes: 200, maxSegments: 3, indexBytes: 50 });
    let all = '';
    let begin: Awaited<ReturnType<typeof handedOver>> | undefined;
    for (let generation = 1; generation <= 50; generation++) {
      if (generation > 1) begin = await handedOver(store, `s${generation - 1}`, `s${generation}`);
      const writer = await store.writer(`s${generation}`, begin);
      for (const line of [`begin ${generation}\n`, `end ${generation}\n`]) {
        await say(writer, line);
        all += line;
      }
      await writer.end();
      await writer.close();
    }
    expect(await store.list()).toEqual(['s50']);
    const files = filesOf(place, 's50');
    expect(files.filter((name) => name.endsWith('.log'))).toHaveLength(3);
    expect(files.filter((name) => name.endsWith('.index')).length).toBeLessThanOrEqual(3);
    expect(await store.size('s50')).toBeLessThanOrEqual(600);
    const entries = await collect(store, {}, 's50');
    const text = textOf(entries);
    expect(all.endsWith(text)).toBe(true);
    expect(text).toContain('end 49\nbegin 50\nend 50\n');
    expect(droppedOf(entries) + text.length).toBe(all.length);
    expect(textOf(await collect(store, { tail: 3 }, 's50'))).toBe('end 49\nbegin 50\nend 50\n');
    expect(await store.offsets('s50')).toEqual({ stdout: all.length, stderr: 0 });
  });

  it('rotate while who read the generation before reads on, who is told what is missing', async () => {
    await using place = await makePlace();
    const store = await place.open({ ...SMALL, maxSegments: 3 });
    await lost(store, linesOf(3));
    const reader = store.read('one', { ...wholeLog, follow: true })[Symbol.asyncIterator]();
    expect((await reader.next()).value?.data.toString()).toBe(linesOf(1)[0]);
    const writer = await store.writer('two', await handedOver(store));
    await say(writer, 'x'.repeat(60));
    await say(writer, 'y'.repeat(60));
    // The first two of the lines before are gone by now.
    expect(await reader.next()).toMatchObject({ value: { dropped: 15 } });
    expect((await reader.next()).done).toBe(true);
    await writer.close();
  });

  it('may be damaged: the rest is read, goes on, and what is damaged is set aside where it is now', async () => {
    await using place = await makePlace();
    const store = await place.open(SMALL);
    await lost(store);
    await store.close();
    const path = join(place.directory, 'one', '00000004.log');
    writeFileSync(path, 'no log');
    const next = await place.open(SMALL);
    const begin = await handedOver(next);
    expect(begin.stdout).toBe(linesOf(10).join('').length);
    const writer = await next.writer('two', begin);
    await say(writer, 'second\n');
    await writer.end();
    await writer.close();
    const entries = await collect(next, {}, 'two');
    expect(textOf(entries)).toBe(`${linesOf(10).toSpliced(3, 1).join('')}second\n`);
    expect(droppedOf(entries)).toBe(linesOf(10)[3]!.length);
    expect(filesOf(place, 'two')).toContain('00000004.log.aside');
    const third = await next.writer('three', await handedOver(next, 'two', 'three'));
    await say(third, 'third\n');
    await third.close();
    expect(textOf(await collect(next, {}, 'three'))).toMatch(/second\nthird\n$/);
    expect(filesOf(place, 'three')).toContain('00000004.log.aside');
  });

  it('may end with half a record, which is cut off there', async () => {
    await using place = await makePlace();
    const store = await place.open();
    await lost(store, ['first\n', 'half\n']);
    await store.close();
    const path = join(place.directory, 'one', '00000001.log');
    truncateSync(path, statSync(path).size - 2);
    const next = await place.open();
    const begin = await handedOver(next);
    expect(begin).toEqual({ stdout: 6, stderr: 0 });
    const writer = await next.writer('two', begin);
    await say(writer, 'second\n');
    await writer.close();
    expect(textOf(await collect(next, {}, 'two'))).toBe('first\nsecond\n');
  });

  it('stay when they cannot be moved: who reads them reads on, and they are moved the next time', async () => {
    await using place = await makePlace();
    const store = await place.open(SMALL);
    await lost(store);
    const reader = store.read('one', { ...wholeLog, follow: true })[Symbol.asyncIterator]();
    let text = (await reader.next()).value!.data.toString();
    mkdirSync(join(place.directory, 'two', 'in the way'), { recursive: true });
    await expect(store.handOver('one', 'two')).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(
        /^cannot hand the log of sandbox one over to its next generation: .*not empty/,
      ),
      hint: expect.stringContaining('start the sandbox again'),
    });
    text += (await reader.next()).value!.data.toString();
    expect(textOf(await collect(store, {}, 'one'))).toBe(linesOf(10).join(''));
    rmSync(join(place.directory, 'two'), { recursive: true });
    await store.handOver('one', 'two');
    for await (const { data } of { [Symbol.asyncIterator]: () => reader }) text += data;
    expect(text).toBe(linesOf(10).join(''));
    expect(textOf(await collect(store, {}, 'two'))).toBe(linesOf(10).join(''));
  });

  it.each([
    ['EROFS', 'unavailable', 'its file system can only be read'],
    ['ENOSPC', 'no_capacity', 'the disk is full'],
  ])('cannot be moved on a disk that says %s: it is told as %s', async (code, expected, why) => {
    await using place = await makePlace();
    const store = await place.open();
    await lost(store);
    const spy = vi.spyOn(fs, 'rename').mockRejectedValue(Object.assign(new Error(code), { code }));
    syncBuiltinESMExports();
    const failed = store.handOver('one', 'two').catch((error) => error);
    await failed.finally(() => {
      spy.mockRestore();
      syncBuiltinESMExports();
    });
    expect(await failed).toMatchObject({ code: expected, message: expect.stringContaining(why) });
    await store.handOver('one', 'two');
    expect(textOf(await collect(store, {}, 'two'))).toBe(linesOf(10).join(''));
  });
});
