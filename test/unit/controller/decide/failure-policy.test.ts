import { describe, expect, it } from 'vitest';
import {
  isDue,
  type Lost,
  lostFor,
  lostSince,
  lostText,
  notRecreated,
  recreationOf,
} from '../../../../src/core/controller/decide/failure-policy.ts';
import type { PhaseState } from '../../../../src/core/model/sandbox/phase.ts';

const lost: Lost = { phase: 'Lost', since: 900, reason: 'gone' };
const manual = { failure_policy: 'Manual', recovery_timeout_seconds: 60 } as const;
const auto = (recovery_timeout_seconds: number) =>
  ({ failure_policy: 'AutoRecreate', recovery_timeout_seconds }) as const;
const at = (now: number, monotonic: number) => ({ now: () => now, monotonic: () => monotonic });

describe('what becomes of a lost sandbox', () => {
  it.each([
    ['Manual', lost, manual, lost, 'lost: gone'],
    [
      'AutoRecreate',
      lost,
      auto(60),
      { ...lost, recreateAt: 61_000, recreateEnd: 60_005 },
      'lost: gone; it is recreated in 1m',
    ],
    [
      'AutoRecreate without a wait',
      lost,
      auto(0),
      { ...lost, recreateAt: 1000, recreateEnd: 5 },
      'lost: gone; it is recreated at once',
    ],
    [
      'another timeout, while it waits',
      { ...lost, recreateAt: 61_000, recreateEnd: 60_000 },
      auto(1),
      { ...lost, recreateAt: 2000, recreateEnd: 1005 },
      'lost: gone; it is recreated in 1s',
    ],
    [
      'Manual, while it waits',
      { ...lost, recreateAt: 61_000, recreateEnd: 60_000 },
      manual,
      lost,
      'lost: gone',
    ],
  ])('%s', (_, before, policy, after, text) => {
    expect(lostFor(before, policy, at(1000, 5))).toEqual(after);
    expect(lostText(after, policy)).toBe(text);
  });

  const waiting = { ...lost, recreateAt: 61_000, recreateEnd: 70_000 };

  it.each([
    ['the same machine goes on', waiting, 30_000, undefined],
    ['the same machine, and the whole wait is left', waiting, 10_000, undefined],
    ['it was over while there was no core', waiting, 9_000_000, undefined],
    ['the machine has booted since', waiting, 3, { ...lost, recreateAt: 61_000, recreateEnd: 60_003 }],
    ['it is not to be recreated', lost, 3, undefined],
  ])('in the next core: %s', (_, state, monotonic, after) => {
    expect(lostSince(state, auto(60), at(1000, monotonic))).toEqual(after);
  });

  const running: PhaseState = { phase: 'Running', startedAt: 1 };

  it.each([
    ['before its time', waiting, 69_999, false],
    ['in its time', waiting, 70_000, true],
    ['for ever', lost, 1e12, false],
    ['when it runs', running, 1e12, false],
  ])('is due: %s', (_, state, monotonic, due) => {
    expect(isDue(state, monotonic)).toBe(due);
  });

  it('is looked at when its time has come', () => {
    expect([waiting, lost, running].map(recreationOf)).toEqual([{ monotonic: 70_000 }, undefined, undefined]);
  });

  it('says why there was no second try', () => {
    expect(notRecreated('gone', 'the disk is full')).toBe(
      'it was lost (gone) and could not be recreated, which is not tried again: the disk is full',
    );
  });
});
