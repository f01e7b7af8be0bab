import { expect, it, vi } from 'vitest';
import { Absence } from '../../../src/core/client/absence.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

const none = (): never => {
  throw new FsbError('unavailable', 'cannot reach the core');
};

/** Two calls that share a connection; what is asked next does what `state.core` does. */
function world() {
  const tell = vi.fn();
  const clock = createManualClock();
  const absence = new Absence(tell, clock);
  const state = { core: none as () => string };
  const calls = ['a', 'b'].map((name) => absence.watch(async (n: number) => `${name}${n} ${state.core()}`));
  const all = async (): Promise<string[]> =>
    Promise.all(calls.map((call) => call(1).catch((error) => FsbError.from(error).code)));
  return { tell, state, all, clock };
}

it('is told once, after a while, however many ask', async () => {
  const { tell, all, clock } = world();
  expect(await all()).toEqual(['unavailable', 'unavailable']);
  await clock.advance(400);
  await all();
  expect(tell).not.toHaveBeenCalled();
  await clock.advance(400);
  await all();
  await clock.advance(10_000);
  await all();
  expect(tell).toHaveBeenCalledTimes(1);
});

it('is over with any answer, also one that refuses, and the next one is told again', async () => {
  const { tell, state, all, clock } = world();
  await all();
  await clock.advance(800);
  await all();
  state.core = () => {
    throw new FsbError('not_found', 'there is no box');
  };
  expect(await all()).toEqual(['not_found', 'not_found']);
  state.core = () => 'yes';
  expect(await all()).toEqual(['a1 yes', 'b1 yes']);
  state.core = none;
  await clock.advance(800);
  await all();
  expect(tell).toHaveBeenCalledTimes(1);
  await clock.advance(800);
  await all();
  expect(tell).toHaveBeenCalledTimes(2);
});
