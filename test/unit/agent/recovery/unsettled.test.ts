import { pino } from 'pino';
import { expect, it } from 'vitest';
import { Unsettled } from '../../../../src/core/agent/recovery/unsettled.ts';
import { createManualClock, settle } from '../../../helpers/manual-clock.ts';

const found = { instance: 'i1', sandboxId: 's1', reason: 'too many open files' };

function world() {
  const clock = createManualClock();
  return { clock, unsettled: new Unsettled({ clock, log: pino({ level: 'silent' }) }) };
}

it('what cannot be settled is tried again, less and less often, until it is', async () => {
  const { clock, unsettled } = world();
  let [tries, works] = [0, false];
  unsettled.add(found, async () => {
    tries += 1;
    if (!works) throw new Error(`no ${tries}`);
  });
  expect(unsettled.list()).toEqual([found]);
  for (const [ms, expected] of [
    [999, 0],
    [1, 1],
    [1_999, 1],
    [1, 2],
    [4_000, 3],
  ] as const) {
    clock.advance(ms);
    await settle();
    expect(tries).toBe(expected);
  }
  expect(unsettled.reasonOf('s1')).toBe('no 3');
  works = true;
  clock.advance(8_000);
  await settle();
  expect([unsettled.has('i1'), unsettled.reasonOf('s1')]).toEqual([false, undefined]);
});

it('one that is given up is gone when the deed is done, and stays when that fails', async () => {
  const { unsettled } = world();
  unsettled.add(found, () => Promise.reject(new Error('no')));
  const failing = unsettled.giveUp('s1', () => Promise.reject(new Error('busy')));
  await expect(failing).rejects.toThrow('busy');
  expect(unsettled.has('i1')).toBe(true);
  const done: string[] = [];
  await unsettled.giveUp('s1', async (instance) => void done.push(instance));
  await unsettled.giveUp('s1', async (instance) => void done.push(instance));
  expect([done, unsettled.list()]).toEqual([['i1'], []]);
});

it('nothing is tried after the end', async () => {
  const { clock, unsettled } = world();
  let tries = 0;
  unsettled.add(found, async () => {
    tries += 1;
  });
  await unsettled.close();
  clock.advance(60_000);
  await settle();
  expect(tries).toBe(0);
});

it('an attempt that does not end holds the end up for five seconds', async () => {
  const { clock, unsettled } = world();
  unsettled.add(found, () => new Promise(() => {}));
  clock.advance(1_000);
  await settle();
  let isClosed = false;
  void unsettled.close().then(() => {
    isClosed = true;
  });
  clock.advance(4_999);
  await settle();
  expect(isClosed).toBe(false);
  clock.advance(1);
  await settle();
  expect([isClosed, clock.pending]).toEqual([true, 0]);
});

it('one of no sandbox that is removed is not tried any more, and is set aside only when it never was', async () => {
  const { clock, unsettled } = world();
  unsettled.add({ instance: 'i2', reason: 'no' }, () => Promise.reject(new Error('no')));
  unsettled.add({ instance: 'i3', reason: 'unread' });
  unsettled.add({ ...found, reason: 'unread' });
  expect(unsettled.unclaimed()).toEqual(['i3']);
  const done: string[] = [];
  for (const id of ['i2', 'i3', 'unknown']) await unsettled.remove(id, async (one) => void done.push(one));
  expect([done, clock.pending, unsettled.list().length]).toEqual([['i2', 'i3'], 0, 1]);
});
