import { expect, it } from 'vitest';
import { Rounds } from '../../../src/core/model/async/rounds.ts';
import { settle } from '../../helpers/manual-clock.ts';

const world = () => {
  const running: { end: (value: string) => void; fail: (error: Error) => void; signal: AbortSignal }[] = [];
  let most = 0;
  const rounds = new Rounds((signal) => {
    const round = new Promise<string>((resolve, reject) => {
      running.push({ end: resolve, fail: reject, signal });
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    most = Math.max(most, running.length);
    return round.finally(() => running.shift());
  });
  return { rounds, running, most: () => most };
};

it('does its work for all who ask at the same time, and once more for those who ask while it does', async () => {
  const { rounds, running, most } = world();
  const first = [rounds.join(), rounds.join()];
  await settle();
  const second = [rounds.join(), rounds.join(), rounds.join()];
  await settle();
  running[0]!.end('first');
  expect(await Promise.all(first)).toEqual(['first', 'first']);
  await settle();
  running[0]!.end('second');
  expect(await Promise.all(second)).toEqual(['second', 'second', 'second']);
  const third = rounds.join();
  await settle();
  running[0]!.end('third');
  expect([await third, most()]).toEqual(['third', 1]);
});

it('goes on after a round that failed, and after those that everybody has left', async () => {
  const { rounds, running, most } = world();
  const failing = rounds.join();
  await settle();
  const [waiting, running2] = [new AbortController(), new AbortController()];
  const left = rounds.join(waiting.signal);
  await settle();
  waiting.abort();
  const next = rounds.join(running2.signal);
  running[0]!.fail(new Error('broken'));
  await expect(failing).rejects.toThrow('broken');
  await expect(left).rejects.toMatchObject({ code: 'cancelled' });
  await settle();
  running2.abort();
  await expect(next).rejects.toMatchObject({ code: 'cancelled' });
  const last = rounds.join();
  await settle();
  running[0]!.end('last');
  expect([await last, most()]).toEqual(['last', 1]);
});
