import { describe, expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/errors.ts';
import { ClaimTimes } from '../../../src/core/pool/claims/claim-times.ts';
import { WaitQueue } from '../../../src/core/pool/claims/wait-queue.ts';
import {
  afterDelay,
  afterFailure,
  attemptsAllowed,
  type Breaker,
  closedBreaker,
} from '../../../src/core/pool/decide/breaker.ts';
import { chooseVictims, type EvictionCandidate } from '../../../src/core/pool/decide/eviction.ts';
import { Budget } from '../../../src/core/pool/fleet/budget.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

describe('the budget', () => {
  it('gives out no more than it has, by count and by memory', () => {
    const budget = new Budget({ count: 2, memory: 100 });
    budget.reserve(60);
    expect(budget.fits(40)).toBe(true);
    expect(budget.fits(41)).toBe(false);
    expect(() => budget.reserve(41)).toThrow(/no room/);
    budget.reserve(10);
    expect(budget.fits(1)).toBe(false);
    budget.release(60);
    expect(budget.free).toEqual({ count: 1, memory: 90 });
  });

  it('refuses to take back more than it gave', () => {
    const budget = new Budget({ count: 2, memory: 100 });
    budget.reserve(10);
    expect(() => budget.release(11)).toThrow(/more was given back/);
  });

  it('counts what is there anyway, and then fits nothing', () => {
    const budget = new Budget({ count: 1, memory: 10 });
    budget.add(20);
    expect(budget.free).toEqual({ count: 0, memory: -10 });
    expect(budget.fits(0)).toBe(false);
  });

  it('knows what can never fit', () => {
    const budget = new Budget({ count: 1, memory: 10 });
    expect(budget.everFits(10)).toBe(true);
    expect(budget.everFits(11)).toBe(false);
  });
});

describe('the choice of victims', () => {
  const idle = (name: string, idleSince: number, changes: Partial<EvictionCandidate> = {}) => ({
    name,
    memory: 10,
    paused: false,
    idleSince,
    ...changes,
  });
  const none = { count: 0, memory: 0 };
  type Input = Parameters<typeof chooseVictims<ReturnType<typeof idle>>>[0];

  it.each<[string, Partial<Input>, string[]]>([
    ['nobody waits', { candidates: [idle('a', 1)] }, []],
    ['nothing is idle', { blocked: [10] }, []],
    ['the oldest', { blocked: [10], candidates: [idle('a', 2), idle('b', 1)] }, ['b']],
    [
      'paused before running',
      { blocked: [10], candidates: [idle('a', 1), idle('b', 2, { paused: true })] },
      ['b'],
    ],
    [
      'as many as needed',
      { blocked: [15], candidates: [idle('a', 1), idle('b', 2), idle('c', 3)] },
      ['a', 'b'],
    ],
    [
      'for each waiter',
      { blocked: [10, 10], candidates: [idle('a', 1), idle('b', 2), idle('c', 3)] },
      ['a', 'b'],
    ],
    [
      'none when the goal is met',
      { blocked: [10], free: { count: 1, memory: 10 }, candidates: [idle('a', 1)] },
      [],
    ],
    [
      'none when it will be met',
      { blocked: [10], leaving: { count: 1, memory: 10 }, candidates: [idle('a', 1)] },
      [],
    ],
    ['none when it cannot be met', { blocked: [30], candidates: [idle('a', 1), idle('b', 2)] }, []],
    [
      'an overdrawn budget needs more',
      { blocked: [10], free: { count: -1, memory: 0 }, candidates: [idle('a', 1), idle('b', 2)] },
      ['a', 'b'],
    ],
    [
      'at most 8 under way',
      { blocked: [10, 10, 10], inFlight: 6, candidates: [idle('a', 1), idle('b', 2), idle('c', 3)] },
      ['a', 'b'],
    ],
    ['none beyond 8', { blocked: [10], inFlight: 8, candidates: [idle('a', 1)] }, []],
  ])('%s', (_, input, expected) => {
    const victims = chooseVictims({
      blocked: [],
      free: none,
      leaving: none,
      candidates: [],
      inFlight: 0,
      ...input,
    });
    expect(victims.map((victim) => victim.name)).toEqual(expected);
  });
});

describe('the breaker', () => {
  const play = (steps: string): Breaker => {
    let breaker = closedBreaker;
    for (const step of steps) {
      if (step === 'f') breaker = afterFailure(breaker, 'why');
      else if (step === 's') breaker = closedBreaker;
      else breaker = afterDelay(breaker);
    }
    return breaker;
  };

  it.each<[string, Breaker['phase'], number, number]>([
    ['', 'closed', 0, Number.POSITIVE_INFINITY],
    ['ff', 'closed', 0, Number.POSITIVE_INFINITY],
    ['ffsff', 'closed', 0, Number.POSITIVE_INFINITY],
    ['fff', 'open', 1000, 0],
    ['ffffff', 'open', 1000, 0],
    ['ffft', 'trial', 1000, 1],
    ['ffftf', 'open', 2000, 0],
    ['ffftftf', 'open', 4000, 0],
    ['ffftftftftftftftf', 'open', 60_000, 0],
    ['ffftfs', 'closed', 0, Number.POSITIVE_INFINITY],
    ['ffftfsfff', 'open', 1000, 0],
  ])('%j is %s', (steps, phase, delay, allowed) => {
    const breaker = play(steps);
    expect(breaker).toMatchObject({ phase, delay });
    expect(attemptsAllowed(breaker)).toBe(allowed);
  });
});

describe('the times of claims', () => {
  it('are unknown before the first', () => {
    expect(new ClaimTimes().quantiles(0.5, 0.99)).toEqual([undefined, undefined]);
  });

  it('give the median and the 99th percentile of the latest 512', () => {
    const times = new ClaimTimes();
    for (let i = 0; i < 1000; i++) times.record(1_000_000);
    for (let i = 512; i >= 1; i--) times.record(i);
    expect(times.quantiles(0.5, 0.99, 1)).toEqual([256, 507, 512]);
  });
});

describe('the wait queue', () => {
  const request = {
    key: 'a',
    boots: true,
    timeout: 100,
    timeoutError: () => new FsbError('no_capacity', 'late'),
  };

  it('serves each shape in order, and one who waits again at its old place', async () => {
    const queue = new WaitQueue<number>(createManualClock(), () => undefined);
    const [first, second, third] = [queue.takeTicket(), queue.takeTicket(), queue.takeTicket()];
    const b = queue.wait({ ...request, ticket: second });
    const c = queue.wait({ ...request, ticket: third });
    const other = queue.wait({ ...request, key: 'other', ticket: third });
    const a = queue.wait({ ...request, ticket: first });
    expect(queue.serve('other', 0)).toBe(true);
    for (const value of [1, 2, 3]) queue.serve('a', value);
    await expect(Promise.all([a, b, c, other])).resolves.toEqual([1, 2, 3, 0]);
    expect(queue.serve('a', 4)).toBe(false);
  });

  it('forgets who was served, aborted, late or turned away: no timer and no listener is left', async () => {
    const clock = createManualClock();
    let left = 0;
    const queue = new WaitQueue<number>(clock, () => {
      left += 1;
    });
    const abort = new AbortController();
    const waits = [1, 2, 3, 4].map((ticket) =>
      queue
        .wait({ ...request, ticket, timeout: ticket === 3 ? 10 : 100, signal: abort.signal })
        .catch(String),
    );
    queue.serve('a', 7);
    await clock.advance(10);
    queue.fail(new FsbError('unavailable', 'closed'));
    abort.abort();
    await expect(Promise.all(waits)).resolves.toEqual([
      7,
      'FsbError: closed',
      'FsbError: late',
      'FsbError: closed',
    ]);
    expect(left).toBe(1);
    expect(queue.length).toBe(0);
    expect(clock.pending).toBe(0);
  });
});
