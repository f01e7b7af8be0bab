import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ShapeDemand, SizingInput } from '../../../src/core/pool/decide/demand.ts';
import { CLOSURE, mayPass, OVERTAKE_LIMIT, passed, unpassed } from '../../../src/core/pool/decide/passing.ts';
import { planSize } from '../../../src/core/pool/decide/sizing.ts';

const unlimited = { mayBoot: Number.POSITIVE_INFINITY, mayRefill: Number.POSITIVE_INFINITY };

const shape = (key: string, changes: Partial<ShapeDemand> = {}): ShapeDemand => ({
  key,
  memory: 1,
  idle: 0,
  retiring: 0,
  claimed: 0,
  booting: 0,
  stopping: 0,
  warm: 0,
  recent: false,
  misses: 0,
  ...unlimited,
  ...changes,
});

const waiter = (key: string, changes: Partial<SizingInput['waiters'][number]> = {}) => ({
  key,
  boots: true,
  ...unpassed,
  ...changes,
});

function plan(input: Partial<SizingInput>, policy: Partial<SizingInput['policy']> = {}) {
  return planSize({
    policy: { min: 0, bufferMin: 0, bufferMax: 0, bootConcurrency: 100, ...policy },
    shapes: [],
    waiters: [],
    free: { count: 100, memory: 100 },
    now: 0,
    ...input,
  });
}

/** `a a b+` : two boots of a for waiters, then one refill of b. */
const boots = (result: ReturnType<typeof plan>): string =>
  result.boots.map(({ key, refill }) => (refill ? `${key}+` : key)).join(' ');

describe('boots', () => {
  it.each<[string, Parameters<typeof plan>, string]>([
    ['nothing is wanted', [{ shapes: [shape('a')] }], ''],
    ['warm ones are missing', [{ shapes: [shape('a', { warm: 2 })] }], 'a+ a+'],
    ['idle and booting ones count', [{ shapes: [shape('a', { warm: 3, idle: 1, booting: 1 })] }], 'a+'],
    ['claimed ones do not', [{ shapes: [shape('a', { warm: 1, claimed: 5 })] }], 'a+'],
    [
      'the emptiest shape first',
      [{ shapes: [shape('a', { warm: 4, idle: 2 }), shape('b', { warm: 2 })] }],
      'b+ a+ b+ a+',
    ],
    [
      'a shape in recent use has a buffer',
      [{ shapes: [shape('a', { recent: true })] }, { bufferMin: 2 }],
      'a+ a+',
    ],
    [
      'beyond its warm ones',
      [{ shapes: [shape('a', { recent: true, warm: 1 })] }, { bufferMin: 1 }],
      'a+ a+',
    ],
    ['no room for all', [{ shapes: [shape('a', { warm: 3 })], free: { count: 2, memory: 9 } }], 'a+ a+'],
    [
      'no memory for all',
      [{ shapes: [shape('a', { warm: 3, memory: 4 })], free: { count: 9, memory: 9 } }],
      'a+ a+',
    ],
    ['the budget is overdrawn', [{ shapes: [shape('a', { warm: 3 })], free: { count: -1, memory: 9 } }], ''],
    [
      'only so many side by side',
      [{ shapes: [shape('a', { warm: 9, booting: 1 })] }, { bootConcurrency: 3 }],
      'a+ a+',
    ],
    ['an open breaker', [{ shapes: [shape('a', { warm: 2, mayBoot: 0 }), shape('b', { warm: 1 })] }], 'b+'],
    [
      'what is to be warm before any buffer',
      [
        {
          shapes: [shape('a', { recent: true }), shape('b', { warm: 2, idle: 1 })],
          free: { count: 1, memory: 9 },
        },
        { bufferMin: 4 },
      ],
      'b+',
    ],
    ['one trial', [{ shapes: [shape('a', { warm: 2, mayBoot: 1 })] }], 'a+'],
    ['the minimum', [{ shapes: [shape('b'), shape('a', { warm: 1, claimed: 1 })] }, { min: 4 }], 'a+ a+ a+'],
    [
      'the minimum where claims missed, in proportion',
      [
        { shapes: [shape('a', { warm: 1, idle: 1 }), shape('b', { misses: 2 }), shape('c', { misses: 1 })] },
        { min: 4 },
      ],
      'b+ c+ b+',
    ],
    ['one that retires does not count', [{ shapes: [shape('a', { warm: 2, idle: 1, retiring: 1 })] }], 'a+'],
    [
      'nor for the minimum',
      [{ shapes: [shape('a', { warm: 1, idle: 1, retiring: 2 })] }, { min: 3 }],
      'a+ a+',
    ],
    ['the minimum of a filled pool', [{ shapes: [shape('a', { warm: 1, idle: 1 })] }, { min: 3 }], 'a+ a+'],
    [
      'waiters before the refill',
      [{ shapes: [shape('a', { warm: 1 }), shape('b')], waiters: [waiter('b')] }],
      'b a+',
    ],
    [
      'waiters in their order',
      [{ shapes: [shape('a'), shape('b')], waiters: [waiter('b'), waiter('a'), waiter('b')] }],
      'b a b',
    ],
    [
      'boots under way serve waiters',
      [{ shapes: [shape('a', { booting: 2 })], waiters: [waiter('a'), waiter('a'), waiter('a')] }],
      'a',
    ],
    [
      'and are made up for',
      [{ shapes: [shape('a', { warm: 2, booting: 2 })], waiters: [waiter('a')] }],
      'a+',
    ],
    [
      'a held back refill still lets waiters boot',
      [{ shapes: [shape('a', { warm: 2, mayRefill: 0 })], waiters: [waiter('a')] }],
      'a',
    ],
    [
      'one who only waits causes no boot',
      [{ shapes: [shape('a')], waiters: [waiter('a', { boots: false })] }],
      '',
    ],
    [
      'but is served by what is kept warm',
      [
        {
          shapes: [shape('a', { warm: 1 })],
          waiters: [waiter('a', { boots: false }), waiter('a', { boots: false })],
        },
      ],
      'a a+',
    ],
    [
      'no refill while what is idle could make room for a waiter',
      [
        {
          shapes: [shape('a', { memory: 50 }), shape('b', { warm: 4, idle: 1, memory: 40 })],
          waiters: [waiter('a')],
          free: { count: 9, memory: 49 },
        },
      ],
      '',
    ],
    [
      'the refill where nothing that goes could help the waiter',
      [
        {
          shapes: [shape('a', { memory: 50 }), shape('b', { warm: 2, claimed: 1 })],
          waiters: [waiter('a')],
          free: { count: 9, memory: 10 },
        },
      ],
      'b+ b+',
    ],
    [
      'no refill in a closed line',
      [
        {
          shapes: [shape('a', { memory: 50 }), shape('b', { warm: 2 })],
          waiters: [waiter('a', { overtaken: OVERTAKE_LIMIT, closedUntil: 1 })],
          free: { count: 9, memory: 10 },
        },
      ],
      '',
    ],
    [
      'no refill while waiters lack boot places',
      [
        { shapes: [shape('a'), shape('b', { warm: 1 })], waiters: [waiter('a'), waiter('a')] },
        { bootConcurrency: 1 },
      ],
      'a',
    ],
  ])('%s', (_, input, expected) => {
    expect(boots(plan(...input))).toBe(expected);
  });
});

describe('a waiter too large for the room', () => {
  const shapes = [shape('large', { memory: 50 }), shape('small')];
  const free = { count: 100, memory: 10 };

  it('is passed by smaller ones, and that is counted', () => {
    const result = plan({ shapes, free, waiters: [waiter('large'), waiter('small'), waiter('small')] });
    expect(boots(result)).toBe('small small');
    expect(result.overtaken).toEqual([{ index: 0, times: 2 }]);
    expect(result.blocked).toEqual([50]);
  });

  it('is not passed any more at the limit', () => {
    const waiters = [waiter('large', { overtaken: OVERTAKE_LIMIT - 1 }), waiter('small'), waiter('small')];
    const result = plan({ shapes, free, waiters });
    expect(boots(result)).toBe('small');
    expect(result.blocked).toEqual([50]);
  });

  it('is passed again after the line was closed for a while', () => {
    const closed = passed(unpassed, OVERTAKE_LIMIT, 100);
    const waiters = [waiter('large', closed), waiter('small')];
    expect(closed.closedUntil).toBe(100 + CLOSURE);
    expect(boots(plan({ shapes, free, waiters, now: closed.closedUntil - 1 }))).toBe('');
    expect(boots(plan({ shapes, free, waiters, now: closed.closedUntil }))).toBe('small');
    const later = passed(closed, 1, closed.closedUntil);
    expect(mayPass(later, closed.closedUntil)).toBe(OVERTAKE_LIMIT - 1);
  });

  it('is passed by refills as often as by waiters', () => {
    const refilled = [shape('large', { memory: 50 }), shape('small', { warm: 20 })];
    const result = plan({ shapes: refilled, free: { count: 100, memory: 40 }, waiters: [waiter('large')] });
    expect(result.boots).toHaveLength(OVERTAKE_LIMIT);
    expect(result.overtaken).toEqual([{ index: 0, times: OVERTAKE_LIMIT }]);
  });

  it('does not lose its turn to one of the same size', () => {
    const result = plan({
      shapes,
      free: { count: 100, memory: 60 },
      waiters: [waiter('large'), waiter('large')],
    });
    expect(boots(result)).toBe('large');
    expect(result.overtaken).toEqual([]);
  });
});

describe('a long line', () => {
  it('is gone through once: each waiter is looked at a few times, however many there are', () => {
    let looks = 0;
    const watched = (key: string): ReturnType<typeof waiter> => ({
      get key() {
        looks += 1;
        return key;
      },
      boots: true,
      closedUntil: 0,
      get overtaken() {
        looks += 1;
        return 0;
      },
    });
    const waiters = Array.from({ length: 1000 }, (_, index) =>
      watched(index % 100 === 50 ? 'small' : 'large'),
    );
    const shapes = [shape('large', { memory: 50 }), shape('small', { booting: 1 })];
    const result = plan({ shapes, waiters, free: { count: 20, memory: 20 } });
    expect(result.blocked).toHaveLength(990);
    expect(looks).toBeLessThanOrEqual(6 * waiters.length);
  });

  it('closes for those who come behind a waiter that was passed too often, as counted one by one', () => {
    const line = fc.array(
      fc.record({ memory: fc.constantFrom(1, 3, 9), overtaken: fc.nat(OVERTAKE_LIMIT + 1) }),
    );
    fc.assert(
      fc.property(line, fc.nat(40), (said, memory) => {
        const shapes = [1, 3, 9].map((size) => shape(String(size), { memory: size }));
        const waiters = said.map(({ memory: size, overtaken }) =>
          waiter(String(size), { overtaken, closedUntil: 1 }),
        );
        const result = plan({ shapes, waiters, free: { count: 100, memory } });
        expect(result).toMatchObject(countedOneByOne(said, memory));
      }),
    );
  });
});

/** The rule as it is told: who is passed is looked up for every waiter anew. */
function countedOneByOne(line: readonly { memory: number; overtaken: number }[], memory: number) {
  const passes = line.map(() => 0);
  const blocked: number[] = [];
  const begun: { key: string; refill: boolean }[] = [];
  let left = memory;
  line.forEach((next, index) => {
    const closed = blocked.some((earlier) => line[earlier]!.overtaken + passes[earlier]! >= OVERTAKE_LIMIT);
    if (closed) return;
    if (next.memory > left) {
      blocked.push(index);
      return;
    }
    left -= next.memory;
    begun.push({ key: String(next.memory), refill: false });
    for (const earlier of blocked) passes[earlier]! += 1;
  });
  return {
    boots: begun,
    blocked: blocked.map((index) => line[index]!.memory),
    overtaken: passes.map((times, index) => ({ index, times })).filter(({ times }) => times > 0),
  };
}

describe('what is not wanted', () => {
  it.each<[string, Parameters<typeof plan>, Pick<ReturnType<typeof plan>, 'trims' | 'aborts'>]>([
    ['nothing', [{ shapes: [shape('a', { warm: 2, idle: 2 })] }], { trims: [], aborts: [] }],
    [
      'idle above the count',
      [{ shapes: [shape('a', { warm: 1, idle: 3 })] }],
      { trims: [{ key: 'a', count: 2 }], aborts: [] },
    ],
    [
      'the buffer of a shape in recent use stays',
      [{ shapes: [shape('a', { recent: true, idle: 4 })] }, { bufferMax: 4 }],
      { trims: [], aborts: [] },
    ],
    [
      'what is above it goes',
      [{ shapes: [shape('a', { recent: true, idle: 6 })] }, { bufferMax: 4 }],
      { trims: [{ key: 'a', count: 2 }], aborts: [] },
    ],
    [
      'what is above it goes when the use is long ago, too',
      [{ shapes: [shape('a', { idle: 6 })] }, { bufferMax: 4 }],
      { trims: [{ key: 'a', count: 2 }], aborts: [] },
    ],
    [
      'the minimum stays',
      [{ shapes: [shape('a', { idle: 4 })] }, { min: 3 }],
      { trims: [{ key: 'a', count: 1 }], aborts: [] },
    ],
    [
      'boots for waiters that left',
      [{ shapes: [shape('a', { booting: 3 })], waiters: [waiter('a')] }],
      { trims: [], aborts: [{ key: 'a', count: 2 }] },
    ],
    [
      'boots for the buffer stay',
      [{ shapes: [shape('a', { booting: 2, recent: true })] }, { bufferMax: 2 }],
      { trims: [], aborts: [] },
    ],
    [
      'a boot before an idle one',
      [{ shapes: [shape('a', { warm: 1, idle: 1, booting: 1 })] }],
      { trims: [], aborts: [{ key: 'a', count: 1 }] },
    ],
  ])('%s', (_, input, expected) => {
    expect(plan(...input)).toMatchObject(expected);
  });

  it.each<[string, Parameters<typeof plan>, string, Pick<ReturnType<typeof plan>, 'aborts'>]>([
    [
      'one that nobody waits for',
      [{ shapes: [shape('a', { warm: 2, booting: 2 }), shape('b')], waiters: [waiter('b')] }],
      'b',
      { aborts: [{ key: 'a', count: 1 }] },
    ],
    [
      'where there are most',
      [
        {
          shapes: [shape('a', { warm: 9, booting: 1 }), shape('b'), shape('c', { warm: 9, booting: 2 })],
          waiters: [waiter('b')],
        },
      ],
      'b',
      { aborts: [{ key: 'c', count: 1 }] },
    ],
    [
      'none that a later waiter waits for',
      [
        {
          shapes: [shape('a', { booting: 2 }), shape('b')],
          waiters: [waiter('b'), waiter('a'), waiter('a')],
        },
      ],
      '',
      { aborts: [] },
    ],
    [
      'none for a refill',
      [{ shapes: [shape('a', { warm: 2, booting: 2 }), shape('b', { warm: 1 })] }],
      '',
      { aborts: [] },
    ],
  ])('gives its place to a waiter: %s', (_, [input], expected, aborts) => {
    const bootConcurrency = input.shapes!.reduce((sum, { booting }) => sum + booting, 0);
    const result = plan(input, { bootConcurrency });
    expect(boots(result)).toBe(expected);
    expect(result).toMatchObject(aborts);
  });

  it('is not booted again in the same breath', () => {
    const result = plan({ shapes: [shape('a', { warm: 2, idle: 5 })] });
    expect(result.boots).toEqual([]);
  });
});

describe('what is to be warm and lacks room', () => {
  const full = { count: 0, memory: 0 };
  const buffer = shape('buffer', { idle: 1, recent: true });
  const lacking = (...input: Parameters<typeof plan>): number[] => plan(...input).lacking;

  it.each<[string, Parameters<typeof plan>, number[]]>([
    ['nothing where all is there', [{ shapes: [shape('a', { warm: 1, idle: 1 }), buffer], free: full }], []],
    [
      'each that is missing',
      [{ shapes: [shape('a', { warm: 3, idle: 1, memory: 5 }), buffer], free: full }],
      [5, 5],
    ],
    ['not what boots', [{ shapes: [shape('a', { warm: 2, booting: 1 }), buffer], free: full }], [1]],
    [
      'not what has room',
      [{ shapes: [shape('a', { warm: 2 }), buffer], free: { count: 1, memory: 9 } }],
      [1],
    ],
    ['not a buffer', [{ shapes: [shape('a', { recent: true }), buffer], free: full }, { bufferMin: 1 }], []],
    ['not what may not boot', [{ shapes: [shape('a', { warm: 2, mayRefill: 0 }), buffer], free: full }], []],
    ['only the trial', [{ shapes: [shape('a', { warm: 2, mayBoot: 1 }), buffer], free: full }], [1]],
    [
      'nothing while a waiter can be helped',
      [{ shapes: [shape('a', { warm: 1 }), shape('b'), buffer], waiters: [waiter('b')], free: full }],
      [],
    ],
    [
      'nothing in a closed line',
      [
        {
          shapes: [shape('a', { warm: 1 }), shape('b', { memory: 50 }), buffer],
          waiters: [waiter('b', { overtaken: OVERTAKE_LIMIT, closedUntil: 1 })],
          free: full,
        },
      ],
      [],
    ],
  ])('%s', (_, input, expected) => {
    expect(lacking(...input)).toEqual(expected);
  });

  it('holds buffers back while it can be helped, and only then', () => {
    const waiting = (idle: number): ReturnType<typeof plan> =>
      plan(
        {
          shapes: [shape('a', { warm: 1, memory: 10 }), shape('b', { recent: true, idle })],
          free: { count: 9, memory: 8 },
        },
        { bufferMin: 3, bufferMax: 3 },
      );
    expect(boots(waiting(2))).toBe('');
    expect(boots(waiting(1))).toBe('b+ b+');
  });

  it('keeps its own old ones until there is room without them', () => {
    const retires = (others: ShapeDemand[]): unknown[] =>
      plan({ shapes: [shape('a', { warm: 1, retiring: 1 }), ...others], free: full }, { bufferMin: 1 })
        .retires;
    expect(retires([buffer])).toEqual([]);
    expect(retires([])).toHaveLength(1);
  });
});

describe('what only ttl ends', () => {
  it.each<[string, Parameters<typeof plan>, { key: string; count: number }[]]>([
    ['nothing that is kept', [{ shapes: [shape('a', { warm: 2, idle: 2 })] }, { bufferMax: 4 }], []],
    [
      'what is idle beyond the warm count',
      [{ shapes: [shape('a', { warm: 2, idle: 5 })] }, { bufferMax: 4 }],
      [{ key: 'a', count: 3 }],
    ],
    [
      'beyond the buffer of a shape in recent use',
      [{ shapes: [shape('a', { recent: true, idle: 4 })] }, { bufferMin: 1, bufferMax: 4 }],
      [{ key: 'a', count: 3 }],
    ],
    [
      'but all of it when the use is long ago',
      [{ shapes: [shape('a', { idle: 4 })] }, { bufferMin: 1, bufferMax: 4 }],
      [{ key: 'a', count: 4 }],
    ],
    [
      'nothing below the minimum',
      [{ shapes: [shape('a', { idle: 3 }), shape('b', { idle: 3 })] }, { min: 4, bufferMax: 4 }],
      [{ key: 'a', count: 2 }],
    ],
    [
      'nor what is trimmed anyway',
      [{ shapes: [shape('a', { idle: 6 })] }, { bufferMax: 4 }],
      [{ key: 'a', count: 4 }],
    ],
  ])('%s', (_, input, expected) => {
    expect(plan(...input).surplus).toEqual(expected);
  });
});

describe('what retires', () => {
  const none = { count: 0, memory: 0 };
  it.each<[string, Parameters<typeof plan>, number]>([
    ['nothing young', [{ shapes: [shape('a', { warm: 2, idle: 2 })] }], 0],
    ['stays until its replacement is there', [{ shapes: [shape('a', { warm: 2, retiring: 2 })] }], 0],
    ['stays while that boots', [{ shapes: [shape('a', { warm: 2, retiring: 2, booting: 2 })] }], 0],
    ['goes when it is', [{ shapes: [shape('a', { warm: 2, idle: 2, retiring: 2 })] }], 2],
    ['goes one by one', [{ shapes: [shape('a', { warm: 2, idle: 1, booting: 1, retiring: 2 })] }], 1],
    ['goes when nobody wants one any more', [{ shapes: [shape('a', { retiring: 3 })] }], 3],
    [
      'one makes room for its own replacement',
      [{ shapes: [shape('a', { warm: 2, retiring: 2 })], free: none }],
      1,
    ],
    [
      'but not while another leaves',
      [{ shapes: [shape('a', { warm: 2, retiring: 1, stopping: 1 })], free: none }],
      0,
    ],
    [
      'nor while nothing boots',
      [{ shapes: [shape('a', { warm: 2, retiring: 2, mayBoot: 0 })], free: none }],
      0,
    ],
    [
      'nor while only a place to boot is missing',
      [
        { shapes: [shape('a', { warm: 1, retiring: 1 }), shape('b', { warm: 9, booting: 1 })], free: none },
        { bootConcurrency: 1 },
      ],
      0,
    ],
    [
      'nor while a waiter lacks room',
      [{ shapes: [shape('a', { retiring: 1 }), shape('b')], waiters: [waiter('b')], free: none }],
      0,
    ],
  ])('%s', (_, input, expected) => {
    const count = plan(...input).retires.find(({ key }) => key === 'a')?.count ?? 0;
    expect(count).toBe(expected);
  });
});
