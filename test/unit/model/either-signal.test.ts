import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { eachWithEither, either, withEither } from '../../../src/core/model/async/either-signal.ts';

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

it('is aborted with the reason of the first of the two', () => {
  const [caller, closing] = [new AbortController(), new AbortController()];
  const first = either(caller.signal, closing.signal).signal;
  closing.abort('closing');
  caller.abort('gone');
  expect(first.reason).toBe('closing');
  expect(either(caller.signal, closing.signal).signal.reason).toBe('gone');
  expect(either(undefined, closing.signal).signal.reason).toBe('closing');
  expect(either(new AbortController().signal, closing.signal).signal.reason).toBe('closing');
});

it('leaves nothing with either of them, however the work ends', async () => {
  const [caller, closing] = [new AbortController().signal, new AbortController().signal];
  const during = await withEither(caller, closing, async () => listeners(caller) + listeners(closing));
  expect(during).toBe(2);
  await expect(withEither(caller, closing, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  async function* parts(): AsyncGenerator<number> {
    yield* [1, 2, 3];
  }
  for await (const part of eachWithEither(caller, closing, parts)) if (part === 2) break;
  expect([listeners(caller), listeners(closing)]).toEqual([0, 0]);
});
