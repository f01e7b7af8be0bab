import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type RetainedLog, RetainedLogs } from '../../../../src/core/agent/logs/retained-logs.ts';
import type { LogStore } from '../../../../src/core/logs/log-store.ts';
import { memoryTable } from '../../../helpers/core/memory-table.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';
import { makePlace, quiet } from '../../logs/harness.ts';

const HOUR = 3_600_000;
const KIB = 1024;
const ref = (name: string, namespace = 'default') => ({ namespace, name });
const idOf = (letter: string): string => letter.repeat(32);

/** Retained logs over real files. */
async function world(options: { retention?: number; most?: number } = {}) {
  const place = await makePlace();
  const clock = createManualClock();
  const table = memoryTable<RetainedLog>();
  const logs = await place.open({ clock });
  const open = (
    retention = options.retention ?? HOUR,
    store: Pick<LogStore, 'size' | 'remove'> = logs,
    most = options.most,
  ) => new RetainedLogs({ table, logs: store, retention, clock, log: quiet, most });
  const write = async (id: string, bytes = 10): Promise<void> => {
    const writer = await logs.writer(id);
    await writer.append({ stream: 'stdout', offset: 0, data: Buffer.alloc(bytes, 'x') });
    await writer.end();
  };
  /** What is there on the disk, and on record. */
  const there = async (): Promise<[string[], string[]]> => {
    return [readdirSync(place.directory).sort(), [...table.entries()].map(([id]) => id)];
  };
  return { clock, table, logs, open, write, there, [Symbol.asyncDispose]: place[Symbol.asyncDispose] };
}

const [a, b, c] = [idOf('a'), idOf('b'), idOf('c')];

describe('a log of a deleted sandbox', () => {
  it('is not retained without a time, nor when nothing was written', async () => {
    await using it = await world();
    await it.write(a);
    const none = it.open(0);
    expect(await none.keep(a, ref('box'))).toBe(false);
    expect(none.find(ref('box'))).toBeUndefined();
    expect(await it.open().keep(b, ref('box'))).toBe(false);
    expect([...it.table.entries()]).toEqual([]);
  });

  it('is found by its name, the last deleted one first, by its id and by the beginning of that', async () => {
    await using it = await world();
    for (const id of [a, b, c]) await it.write(id);
    const retained = it.open();
    for (const id of [b, a]) expect(await retained.keep(id, ref('box'))).toBe(true);
    await retained.keep(c, ref('box', 'ci'));
    // The wall clock decides nothing.
    for (const one of [retained, it.open()]) {
      expect(one.find(ref('box'))).toBe(a);
      expect(one.find(ref('box', 'ci'))).toBe(c);
      expect(one.find(ref(b))).toBe(b);
      expect(one.find(ref('bbbb'))).toBe(b);
      expect(one.find(ref('bbb'))).toBeUndefined();
      expect(one.find(ref('cccc'))).toBeUndefined();
      expect(one.find(ref('other'))).toBeUndefined();
    }
  });

  it('is no one of several whose ids begin alike', async () => {
    await using it = await world();
    const ids = [`abcd${'0'.repeat(28)}`, `abcd${'1'.repeat(28)}`];
    for (const id of ids) await it.write(id);
    const retained = it.open();
    for (const id of ids) await retained.keep(id, ref(`box-${id[4]}`));
    expect(() => retained.find(ref('abcd'))).toThrow('several deleted sandboxes');
    expect(retained.find(ref('abcd1'))).toBe(ids[1]);
  });

  it('goes when its time is over, whatever the wall clock does meanwhile', async () => {
    await using it = await world();
    await it.write(a);
    const retained = it.open();
    await retained.keep(a, ref('box'));
    it.clock.jump(2 * HOUR);
    await it.clock.advance(HOUR - 1);
    expect(await it.there()).toEqual([[a], [a]]);
    expect(retained.find(ref('box'))).toBe(a);
    await it.clock.advance(1);
    expect(retained.find(ref('box'))).toBeUndefined();
    // Files are removed by threads, whose end no clock knows.
    await expect.poll(it.there).toEqual([[], []]);
    expect(it.clock.pending).toBe(0);
  });

  it('goes at its time in a later core, or at once when that is over, and never later than it was to', async () => {
    await using it = await world();
    await it.write(a);
    const first = it.open();
    await first.keep(a, ref('box'));
    first.close();
    await it.clock.advance(HOUR / 2);
    // This one retains nothing new; what is retained stays.
    const second = it.open(0);
    expect(second.find(ref('box'))).toBe(a);
    await it.clock.advance(HOUR / 2 - 1);
    expect(await it.there()).toEqual([[a], [a]]);
    second.close();
    it.clock.jump(-5 * HOUR);
    const third = it.open();
    await it.clock.advance(HOUR);
    expect(third.find(ref('box'))).toBeUndefined();
    await expect.poll(it.there).toEqual([[], []]);

    await it.write(b);
    await third.keep(b, ref('box'));
    third.close();
    await it.clock.advance(2 * HOUR);
    it.open();
    await it.clock.advance(0);
    await expect.poll(it.there).toEqual([[], []]);
  });

  it('makes room for later ones, the oldest first', async () => {
    await using it = await world({ most: 300 * KIB });
    const retained = it.open();
    for (const id of [a, b, c]) {
      await it.write(id, 120 * KIB);
      await retained.keep(id, ref(id));
    }
    expect(await it.there()).toEqual([
      [b, c],
      [b, c],
    ]);
    // Small ones count, too: their number is bounded.
    for (let n = 0; n < 10; n++) {
      await it.write(`d${n}`);
      await retained.keep(`d${n}`, ref(`d${n}`));
    }
    expect((await it.there())[0]).toEqual(['d6', 'd7', 'd8', 'd9']);
  });

  it('makes the room that an earlier core was killed before', async () => {
    await using it = await world();
    for (const id of [a, b]) await it.write(id, 100 * KIB);
    const killed = it.open();
    for (const id of [a, b]) await killed.keep(id, ref('box'));
    const next = it.open(HOUR, it.logs, 150 * KIB);
    expect(await next.keep(b, ref('box'))).toBe(true);
    expect(next.entries().map(([id]) => id)).toEqual([b]);
    expect(await it.there()).toEqual([[b], [b]]);
  });

  it('is no reason to keep its sandbox when there is no room for its record', async () => {
    await using it = await world();
    await it.write(a);
    const retained = it.open();
    it.table.put = async () => {
      throw new Error('no room');
    };
    expect(await retained.keep(a, ref('box'))).toBe(false);
    expect(retained.find(ref('box'))).toBeUndefined();
  });

  it('that cannot be removed is tried again, and by the next core', async () => {
    await using it = await world();
    await it.write(a);
    let isBroken = true;
    const store: Pick<LogStore, 'size' | 'remove'> = {
      size: (id) => it.logs.size(id),
      remove: async (id) => {
        if (isBroken) throw new Error('read-only');
        await it.logs.remove(id);
      },
    };
    const retained = it.open(HOUR, store);
    await retained.keep(a, ref('box'));
    await expect(retained.remove(a)).rejects.toThrow('read-only');
    expect(retained.find(ref('box'))).toBeUndefined();
    isBroken = false;
    await it.clock.advance(60_000);
    await expect.poll(it.there).toEqual([[], []]);
    await retained.remove(a);
  });
});
