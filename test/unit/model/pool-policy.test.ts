import { describe, expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { defaultPolicy, parsePolicy } from '../../../src/core/model/pool/pool-policy.ts';
import { MiB } from '../../helpers/pool/pool-world.ts';

const node = { cores: 2, pids: 32_768, memory: 10_240 * MiB };

function problem(input: object): FsbError {
  try {
    parsePolicy({ name: 'p', ...input }, node);
  } catch (error) {
    return FsbError.from(error);
  }
  throw new Error('no error');
}

describe('the policy of a pool', () => {
  it('has a default for everything but the name', () => {
    expect(parsePolicy({ name: 'p' }, node)).toEqual({
      name: 'p',
      warm: [],
      capacity: { min: 0, max: 8, bufferMin: 1, bufferMax: 4 },
      memoryBudget: 8192 * MiB,
      ttl: 300_000,
      maxAge: 0,
      onEmpty: 'boot',
      queue: { length: 1024, timeout: 30_000 },
      reuse: 'one-shot',
      pauseIdle: false,
      health: { interval: 30_000, timeout: 500 },
      warmup: [],
      autoscale: { enabled: false, up: 0.3, down: 0.05, window: 120_000, cooldown: 60_000, maxStep: 4 },
      runtime: 'auto',
      leaseTtl: 3_600_000,
      bootConcurrency: 4,
      bootTimeout: 30_000,
      resources: { cpus: 1, memory: 512 * MiB, pids: 256 },
    });
  });

  it.each([
    ['10g', 10 * 1024 ** 3],
    [16 * MiB, 16 * MiB],
    [0, undefined],
    ['0', undefined],
  ])('has a disk of %j as %j', (said, disk) =>
    expect(parsePolicy({ name: 'p', resources: { disk: said } }, node).resources.disk).toBe(disk),
  );

  it('reads what a user writes', () => {
    const policy = parsePolicy(
      {
        name: 'p',
        warm: [{ image: 'host', count: 3 }, { image: 'node:20' }],
        capacity: { min: 1, max: 20 },
        memory_budget: '20g',
        on_empty: 'wait',
        queue: { timeout: '5s' },
        health: { timeout: '100ms' },
        resources: { memory: '1g' },
      },
      node,
    );
    expect(policy).toMatchObject({
      warm: [
        { image: 'host', count: 3 },
        { image: 'node:20', count: 2 },
      ],
      capacity: { min: 1, max: 20 },
      memoryBudget: 20_480 * MiB,
      onEmpty: 'wait',
      queue: { length: 1024, timeout: 5000 },
      health: { interval: 30_000, timeout: 100 },
      resources: { memory: 1024 * MiB },
    });
  });

  it.each<[string, object, RegExp]>([
    ['too many warm', { warm: [{ image: 'a', count: 9 }] }, /\(--warm\) add up to 9.*\(--max\) 8/],
    ['size above max', { size: 9 }, /size \(--size\) 9 is greater than capacity\.max \(--max\) 8/],
    [
      'the default size above max',
      { warm: [{ image: 'a' }], capacity: { max: 1 } },
      /\(--size\) 2 is greater than capacity\.max \(--max\) 1/,
    ],
    [
      'nothing said twice',
      { size: 0, warm: [{ image: 'a', count: 0 }] },
      /size \(--size\) 0 and warm \(--warm\) a=0/,
    ],
    ['min of nothing', { capacity: { min: 3 } }, /capacity\.min \(--min\) 3.*warm \(--warm\) names no image/],
    [
      'more memory for min than there is',
      { warm: [{ image: 'host', count: 1 }], capacity: { min: 4 }, memory_budget: '1g' },
      /capacity\.min \(--min\) 4 instances of 512(m|MiB|MB).*take more than memory_budget/,
    ],
    ['min above max', { capacity: { min: 9, max: 8 } }, /capacity\.min \(--min\) 9.*\(--max\) 8/],
    [
      'buffers crossed',
      { capacity: { buffer_min: 5, buffer_max: 2 } },
      /\(--buffer-min\) 5 is greater than capacity\.buffer_max \(--buffer-max\) 2/,
    ],
    ['memory', { memory_budget: 'abc' }, /memory_budget \(--memory-budget\): invalid size "abc"/],
    ['resources.memory', { resources: { memory: 'abc' } }, /\(--memory\): invalid size "abc"/],
    ['more cpus than there are', { resources: { cpus: 2.5 } }, /\(--cpus\) 2\.5 .*from 0\.01 to 2.*2 cores/],
    ['more pids than there are', { resources: { pids: 32_769 } }, /\(--pids\) 32769 .*from 1 to 32768/],
    ['hardly any cpus', { resources: { cpus: 0.001 } }, /\(--cpus\) 0\.001 .*from 0\.01 to 2/],
    ['no cpus', { resources: { cpus: 0 } }, /resources\.cpus \(--cpus\): must be more than 0/],
    ['a small disk', { resources: { disk: '1m' } }, /resources\.disk \(--disk\): must be at least 16m, or 0/],
    ['a huge disk', { resources: { disk: '2t' } }, /resources\.disk \(--disk\): must be at most 1t/],
    ['rates crossed', { autoscale: { up: 0.1, down: 0.2 } }, /autoscale\.down 0\.2.*autoscale\.up 0\.1/],
    [
      'a look longer than its interval',
      { health: { interval: '1s', timeout: '2s' } },
      /health\.timeout 2s.*health\.interval 1s/,
    ],
    ['one larger than all', { memory_budget: '256m' }, /\(--memory\) 512MiB.*\(--memory-budget\) 256MiB/],
    [
      'warm larger than all',
      { memory_budget: '1g', warm: [{ image: 'a', count: 3 }] },
      /3 warm instances of 512MiB.*1GiB/,
    ],
    [
      'warm larger than the default',
      { resources: { memory: '5g' }, warm: [{ image: 'a' }] },
      /2 warm.*80 % of this machine/,
    ],
    ['an image twice', { warm: [{ image: 'a' }, { image: 'a' }] }, /names the image a twice/],
    ['a count below 0', { warm: [{ image: 'a', count: -1 }] }, /warm\.0\.count/],
    ['no room at all', { capacity: { max: 0 } }, /capacity\.max \(--max\): must be at least 1/],
    ['a time', { queue: { timeout: 'soon' } }, /\(--queue-timeout\): invalid duration "soon"/],
    ['a bad name', { name: 'A pool' }, /name: is not a valid pool name/],
  ])('refuses %s, naming the values', (_, input, message) => {
    const error = problem(input);
    expect(error.code).toBe('invalid_argument');
    expect(error.message).toMatch(message);
  });

  it('keeps none of an image when its count, or the size, is 0', () => {
    const none = [{ image: 'a', count: 0 }];
    expect(parsePolicy({ name: 'p', warm: none }, node).warm).toEqual(none);
    expect(parsePolicy({ name: 'p', size: 0, warm: [{ image: 'a' }] }, node).warm).toEqual(none);
  });

  it.each([
    [{ capacity: { bufer_min: 1 } }, 'capacity.bufer_min', 'capacity.buffer_min'],
    [{ max: 3 }, 'max', 'capacity.max'],
    [{ maxx: 3 }, 'maxx', 'capacity.max'],
    [{ tll: '5m' }, 'tll', 'ttl'],
  ])('suggests the key that was meant, with its section: %j', (said, unknown, meant) => {
    expect(problem(said)).toMatchObject({
      message: expect.stringContaining(`unknown key ${unknown}`),
      hint: `Did you mean ${meant}?`,
    });
  });
});

describe('the default pool', () => {
  it('keeps two of the machine itself warm', () => {
    expect(defaultPolicy(node)).toMatchObject({
      name: 'default-pool',
      warm: [{ image: 'host', count: 2 }],
      capacity: { max: 8 },
      memoryBudget: 8192 * MiB,
    });
  });

  it.each([
    [1024, 1, 819],
    [512, 1, 512],
  ])('fits on a machine of %i MiB', (memory, count, budget) => {
    const policy = defaultPolicy({ cores: 1, pids: 32_768, memory: memory * MiB });
    expect(policy.warm).toEqual([{ image: 'host', count }]);
    expect(Math.floor(policy.memoryBudget / MiB)).toBe(budget);
  });
});

it('lets the user say a part, and fits the rest to a small machine', () => {
  const small = { cores: 1, pids: 32_768, memory: 1024 ** 3 };
  expect(defaultPolicy(small, { capacity: { max: 4 } })).toMatchObject({
    name: 'default-pool',
    warm: [{ image: 'host', count: 1 }],
    capacity: { max: 4 },
  });
  expect(defaultPolicy(small, { warm: [] }).warm).toEqual([]);
});
