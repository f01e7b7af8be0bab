import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { askAgain } from '../../../src/core/client/ask-again.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';

const there = async (): Promise<void> => {};
const goingAway = (): FsbError => new FsbError('unavailable', 'the core is going away');

it('outlasts any number of cores, of which each was there for a while', async () => {
  let asked = 0;
  const ask = async (): Promise<string> => {
    asked += 1;
    if (asked > 12) return 'done';
    // One that has the question for a while, then three tries in which there is none.
    if (asked % 4 === 1) await delay(1_050);
    throw goingAway();
  };
  expect(await askAgain(ask, {}, there)).toBe('done');
});

it('gives up where there was no core to begin with', async () => {
  const refused = new FsbError('unavailable', 'cannot reach the core', { cause: new Error('ECONNREFUSED') });
  await expect(askAgain(() => Promise.reject(refused), {}, there)).rejects.toBe(refused);
});
