import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LogStore } from '../../../src/core/logs/log-store.ts';
import { collect, droppedOf, makePlace, SetClock, textOf } from './harness.ts';

/** Bytes that this process has read from anything, by the kernel's count. */
const bytesRead = (): number => Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))![1]);

async function reading(work: () => Promise<unknown>): Promise<number> {
  const before = bytesRead();
  await work();
  return bytesRead() - before;
}

const MIB = 1024 * 1024;
const LINE = 1000;
const LINES = 30_000;

/** Numbered lines, one a millisecond from 1 on, over two segments and a half. */
async function longLog(clock: SetClock, store: LogStore): Promise<void> {
  const writer = await store.writer('box');
  for (let n = 1; n <= LINES; n += 10) {
    clock.time = n;
    const lines = Array.from({ length: 10 }, (_, i) => `${String(n + i).padEnd(LINE - 1, '.')}\n`);
    await writer.append({
      stream: 'stdout',
      offset: writer.offsets.stdout,
      data: Buffer.from(lines.join('')),
    });
  }
  await writer.close();
}

describe('the index of a log of 30 MB', () => {
  const options = { segmentBytes: 12 * MIB };

  it('lets a reader have the end, a time, or the rest, without reading what comes before', async () => {
    await using place = await makePlace();
    const clock = new SetClock();
    const store = await place.open({ ...options, clock });
    await longLog(clock, store);
    for (const opened of [store, await place.open(options)]) {
      const few = async (query: Parameters<typeof collect>[1], first: string): Promise<void> => {
        let entries: Awaited<ReturnType<typeof collect>> = [];
        const read = await reading(async () => {
          entries = await collect(opened, query);
        });
        expect(textOf(entries).startsWith(first)).toBe(true);
        expect(droppedOf(entries)).toBe(0);
        // A step of the index, a block, the marks, and what the log is known by when it is opened.
        expect(read).toBeLessThan(2 * MIB);
      };
      await few({ tail: 20 }, `${LINES - 19}.`);
      await few({ tail: 20, until: 15_001 }, '14981.');
      await few({ tail: 1_000_000, since: LINES - 99 }, `${LINES - 99}.`);
      await few({ since: LINES - 99 }, `${LINES - 99}.`);
      await few({ since: 15_001, until: 15_101 }, '15001.');
      await few({ until: 101 }, '1.');
      await few({ afterSeq: (LINES - 100) * LINE }, `${LINES - 99}.`);
      await few({ from: { stdout: (LINES - 100) * LINE, stderr: 0 } }, `${LINES - 99}.`);
      await few({ afterSeq: 15_000 * LINE, until: 15_101 }, '15001.');
    }
  });

  it('lets a core that starts know a log without reading it', async () => {
    await using place = await makePlace();
    const clock = new SetClock();
    await longLog(clock, await place.open({ ...options, clock }));
    const store = await place.open(options);
    let offsets = { stdout: 0, stderr: 0 };
    const read = await reading(async () => {
      const writer = await store.writer('box');
      offsets = writer.offsets;
    });
    expect(offsets).toEqual({ stdout: LINES * LINE, stderr: 0 });
    expect(read).toBeLessThan(MIB);
  });

  it.each(['missing', 'torn', 'of garbage', 'of another log'])('may be %s', async (how) => {
    await using place = await makePlace();
    const clock = new SetClock();
    await longLog(clock, await place.open({ ...options, clock }));
    const folder = join(place.directory, 'box');
    const indexes = readdirSync(folder).filter((name) => name.endsWith('.index'));
    expect(indexes).toHaveLength(3);
    const contents = indexes.map((name) => readFileSync(join(folder, name)));
    for (const [at, name] of indexes.entries()) {
      const file = join(folder, name);
      if (how === 'missing') rmSync(file);
      else if (how === 'torn') writeFileSync(file, contents[at]!.subarray(0, 45));
      else if (how === 'of garbage') writeFileSync(file, Buffer.alloc(500, 'x'));
      else writeFileSync(file, contents[(at + 1) % 3]!);
    }
    const store = await place.open(options);
    const writer = await store.writer('box');
    await writer.append({ stream: 'stdout', offset: LINES * LINE, data: Buffer.from('on\n') });
    await writer.close();
    for (const opened of [store, await place.open(options)]) {
      expect(textOf(await collect(opened)).length).toBe(LINES * LINE + 3);
      expect(textOf(await collect(opened, { tail: 1 }))).toBe('on\n');
      expect(textOf(await collect(opened, { since: LINES - 8 })).endsWith('on\n')).toBe(true);
    }
  });
});
