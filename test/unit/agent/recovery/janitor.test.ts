import { pino } from 'pino';
import { expect, it } from 'vitest';
import { Janitor } from '../../../../src/core/agent/recovery/janitor.ts';
import type { RuntimeDriver, RuntimeInstance } from '../../../../src/core/runtime/driver.ts';
import { createManualClock, settle } from '../../../helpers/manual-clock.ts';

function world() {
  const clock = createManualClock();
  const present = new Set(['wanted', 'orphan']);
  const wanted = new Set(['wanted']);
  const destroyed: string[] = [];
  const stuck = new Set<string>();
  let [broken, slowness, looks] = [false, 0, 0];
  const driver = {
    async list() {
      looks += 1;
      if (broken) throw new Error('the runtime does not answer');
      return [...present].map((id) => ({ id }) as RuntimeInstance);
    },
    async destroy(id: string) {
      if (stuck.has(id)) throw new Error('a process cannot be killed');
      if (slowness > 0) await new Promise<void>((resolve) => clock.after(slowness, resolve));
      destroyed.push(id);
      present.delete(id);
    },
  } as unknown as RuntimeDriver;
  const janitor = new Janitor({
    driver,
    recorded: () => [],
    wanted: (id) => wanted.has(id),
    clock,
    log: pino({ level: 'silent' }),
  });
  return {
    clock,
    janitor,
    present,
    stuck,
    wanted,
    destroyed,
    looks: () => looks,
    breakRuntime: (now: boolean) => (broken = now),
    /** Milliseconds that each destroy takes. */
    slow: (ms: number) => (slowness = ms),
  };
}

it('removes an orphan only when two looks, a window apart, found it unwanted', async () => {
  const { clock, janitor, destroyed } = world();
  await janitor.sweep();
  await clock.advance(9_000);
  await janitor.sweep();
  expect(destroyed).toEqual([]);
  await clock.advance(1_000);
  await janitor.sweep();
  expect(destroyed).toEqual(['orphan']);
});

it('never removes on a doubtful answer, or what became wanted meanwhile', async () => {
  const { clock, janitor, wanted, destroyed, breakRuntime } = world();
  await janitor.sweep();
  await clock.advance(60_000);
  breakRuntime(true);
  await janitor.sweep();
  breakRuntime(false);
  wanted.add('orphan');
  await janitor.sweep();
  wanted.delete('orphan');
  await janitor.sweep();
  expect(destroyed).toEqual([]);
});

it('looks again and again on its own, and leaves no timer when closed', async () => {
  const { clock, janitor, destroyed } = world();
  janitor.start();
  await clock.advance(30_000);
  expect(destroyed).toEqual([]);
  await clock.advance(9_999);
  expect(destroyed).toEqual([]);
  await clock.advance(1);
  expect(destroyed).toEqual(['orphan']);
  await janitor.close();
  expect(clock.pending).toBe(0);
});

it('looks again when the window of one that it has newly found is over, and otherwise at its usual pace', async () => {
  const { clock, janitor, present, stuck, looks, breakRuntime } = world();
  stuck.add('orphan');
  janitor.start();
  const looksIn = async (ms: number): Promise<number> => {
    const before = looks();
    await clock.advance(ms);
    return looks() - before;
  };
  expect(await looksIn(30_000)).toBe(1);
  expect(await looksIn(10_000)).toBe(1);
  // It cannot be destroyed: that is no news.
  expect(await looksIn(29_999)).toBe(0);
  present.add('another');
  expect(await looksIn(1)).toBe(1);
  breakRuntime(true);
  expect(await looksIn(10_000)).toBe(1);
  expect(await looksIn(29_999)).toBe(0);
  expect(await looksIn(1)).toBe(1);
  await janitor.close();
});

it('tries again to remove what could not be removed, and the others meanwhile', async () => {
  const { clock, janitor, present, stuck, destroyed } = world();
  present.add('another');
  stuck.add('orphan');
  await janitor.sweep();
  await clock.advance(10_000);
  await janitor.sweep();
  expect(destroyed).toEqual(['another']);
  expect(janitor.stuck).toEqual(['orphan']);
  stuck.clear();
  await janitor.sweep();
  expect(destroyed).toEqual(['another', 'orphan']);
  expect(janitor.stuck).toEqual([]);
});

it.each([
  ['slow', 1_000, 1_000, ['orphan']],
  ['endless', 3_600_000, 5_000, []],
])('twenty orphans that are %s to destroy do not hold the end up', async (_, each, longest, expected) => {
  const { clock, janitor, present, destroyed, slow } = world();
  for (let n = 1; n < 20; n++) present.add(`orphan${n}`);
  slow(each);
  janitor.start();
  await clock.advance(40_000);
  let isClosed = false;
  const closing = janitor.close().then(() => {
    isClosed = true;
  });
  await clock.advance(longest);
  await settle();
  expect(isClosed).toBe(true);
  await closing;
  await clock.advance(120_000);
  expect(destroyed).toEqual(expected);
});
