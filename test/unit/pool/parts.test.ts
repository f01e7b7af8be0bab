import { describe, expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { Budget } from '../../../src/core/pool/budget.ts';
import { Alarm } from '../../../src/core/pool/care/alarm.ts';
import { WaitQueue } from '../../../src/core/pool/claims/wait-queue.ts';
import {
  afterDelay,
  afterFailure,
  attemptsAllowed,
  type Breaker,
  closedBreaker,
} from '../../../src/core/pool/decide/breaker.ts';
import {
  chooseOverdraft,
  chooseVictims,
  type EvictionInput,
  type IdleCandidate,
} from '../../../src/core/pool/decide/eviction.ts';
import { type Past, unfit } from '../../../src/core/pool/fleet/unfit.ts';
import { ClaimTimes } from '../../../src/core/pool/shapes/claim-times.ts';
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
  const idle = (name: string, idleSince: number, changes: Partial<IdleCandidate> = {}) => ({
    name,
    memory: 10,
    paused: false,
    kept: false,
    idleSince,
    ...changes,
  });
  const none = { count: 0, memory: 0 };
  const boot = (name: string, bootingSince: number) => ({ name, memory: 10, bootingSince });
  type Input = EvictionInput<ReturnType<typeof idle>, ReturnType<typeof boot>>;

  it.each<[string, Partial<Input>, string[]]>([
    ['nobody waits', { idle: [idle('a', 1)] }, []],
    ['nothing is idle', { blocked: [10] }, []],
    ['the oldest', { blocked: [10], idle: [idle('a', 2), idle('b', 1)] }, ['b']],
    ['paused before running', { blocked: [10], idle: [idle('a', 1), idle('b', 2, { paused: true })] }, ['b']],
    [
      'what is kept warm last',
      { blocked: [20], idle: [idle('a', 1, { kept: true, paused: true }), idle('b', 2), idle('c', 3)] },
      ['b', 'c'],
    ],
    ['as many as needed', { blocked: [15], idle: [idle('a', 1), idle('b', 2), idle('c', 3)] }, ['a', 'b']],
    ['for each waiter', { blocked: [10, 10], idle: [idle('a', 1), idle('b', 2), idle('c', 3)] }, ['a', 'b']],
    [
      'none when the goal is met',
      { blocked: [10], free: { count: 1, memory: 10 }, idle: [idle('a', 1)] },
      [],
    ],
    [
      'none when it will be met',
      { blocked: [10], leaving: { count: 1, memory: 10 }, idle: [idle('a', 1)] },
      [],
    ],
    ['none when it cannot be met', { blocked: [30], idle: [idle('a', 1), idle('b', 2)] }, []],
    [
      'for those behind one that cannot be helped',
      { blocked: [30, 10], idle: [idle('a', 1), idle('b', 2)] },
      ['a'],
    ],
    [
      'an overdrawn budget needs more',
      { blocked: [10], free: { count: -1, memory: 0 }, idle: [idle('a', 1), idle('b', 2)] },
      ['a', 'b'],
    ],
    [
      'at most 8 under way',
      { blocked: [10, 10, 10], inFlight: 6, idle: [idle('a', 1), idle('b', 2), idle('c', 3)] },
      ['a', 'b'],
    ],
    ['the youngest boot', { blocked: [10], boots: [boot('a', 1), boot('b', 2)] }, ['b']],
    [
      'boots after all that is idle',
      { blocked: [30], idle: [idle('a', 1)], boots: [boot('b', 2), boot('c', 3)] },
      ['a', 'c', 'b'],
    ],
    ['none beyond 8', { blocked: [10], inFlight: 8, idle: [idle('a', 1)] }, []],
  ])('%s', (_, input, expected) => {
    const victims = chooseVictims({
      blocked: [],
      free: none,
      leaving: none,
      idle: [],
      boots: [],
      inFlight: 0,
      ...input,
    });
    expect(victims.map((victim) => victim.name)).toEqual(expected);
  });
});

describe('what goes when the budget shrinks', () => {
  const idle = (name: string, idleSince: number, memory = 10) => ({
    ...{ name, memory, paused: false, kept: false, idleSince },
  });
  const room = (count: number, memory = 0) => ({ count, memory });

  it.each<[string, ReturnType<typeof room>, ReturnType<typeof room>, string]>([
    ['nothing while it fits', room(0), room(0), ''],
    ['the oldest', room(-1), room(0), 'b'],
    ['as many as help', room(-2), room(0), 'b a'],
    ['all, where that is not enough', room(-9), room(0), 'b a c'],
    ['for memory, too', room(5, -15), room(0), 'b a'],
    ['fewer while others leave', room(-2), room(1), 'b'],
    ['none while enough of them leave', room(-2, -20), room(2, 20), ''],
  ])('%s', (_, free, leaving, expected) => {
    const victims = chooseOverdraft(free, leaving, [idle('a', 2), idle('b', 1), idle('c', 3)]);
    expect(victims.map((victim) => victim.name).join(' ')).toBe(expected);
  });
});

describe('the alarm', () => {
  it('rings at the earliest moment that was asked for, once', async () => {
    const clock = createManualClock();
    const rings: number[] = [];
    const alarm = new Alarm(clock, () => rings.push(clock.monotonic()));
    for (const due of [50, 20, 30, Number.POSITIVE_INFINITY]) alarm.by(due);
    expect(clock.pending).toBe(1);
    await clock.advance(100);
    expect(rings).toEqual([20]);
    expect(clock.pending).toBe(0);
  });

  it('rings again when it is asked again while it rings, at once for what is past, and not when it is stopped', async () => {
    const clock = createManualClock();
    const rings: number[] = [];
    const alarm: Alarm = new Alarm(clock, () => {
      rings.push(clock.monotonic());
      if (rings.length < 3) alarm.by(clock.monotonic() + 10);
    });
    await clock.advance(5);
    alarm.by(1);
    await clock.advance(15);
    expect(rings).toEqual([5, 15]);
    alarm.stop();
    await clock.advance(100);
    expect(rings).toHaveLength(2);
  });
});

describe('fitness for being idle', () => {
  const past = { used: false, warmedUpWith: [] as string[] | undefined };
  const once = { reuse: 'one-shot' as const, warmup: [] };
  const again = { reuse: 'sticky' as const, warmup: [] };
  const warmup = ['make', 'ready'];

  it.each<[string, Past, Parameters<typeof unfit>[1], RegExp | undefined]>([
    ['new', past, once, undefined],
    ['used', { ...past, used: true }, once, /used before/],
    ['used, where that is wanted', { ...past, used: true }, again, undefined],
    ['of an unknown past', { ...past, warmedUpWith: undefined }, once, undefined],
    [
      'of an unknown past, with a warm-up',
      { ...past, warmedUpWith: undefined },
      { ...once, warmup },
      /did not run/,
    ],
    ['without the warm-up', past, { ...once, warmup }, /did not run/],
    ['with another', { ...past, warmedUpWith: ['make'] }, { ...once, warmup }, /did not run/],
    ['with this one', { ...past, warmedUpWith: ['make', 'ready'] }, { ...once, warmup }, undefined],
    ['with one that is not wanted any more', { ...past, warmedUpWith: ['make'] }, once, undefined],
  ])('%s', (_, candidate, policy, expected) => {
    const reason = unfit(candidate, policy);
    if (expected === undefined) expect(reason).toBeUndefined();
    else expect(reason).toMatch(expected);
  });
});

describe('the breaker', () => {
  const play = (steps: string): Breaker => {
    let breaker = closedBreaker;
    for (const step of steps) {
      if (step === 'f') breaker = afterFailure(breaker, { code: 'run_failed', message: 'why' });
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
