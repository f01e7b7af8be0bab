import { describe, expect, it } from 'vitest';
import type { PoolDetails, PoolShapeStatus } from '../../../src/core/model/pool/pool.ts';
import { type PoolPolicyInput, parsePolicy } from '../../../src/core/model/pool/pool-policy.ts';
import { warmthOf } from '../../../src/core/model/pool/warmth.ts';

const MEBI = 1024 ** 2;

const row = (more: Partial<PoolShapeStatus>): PoolShapeStatus => ({
  ...{ pool: 'p', shape: 's', image: 'host', max: 4, warm: 2, idle: 0, claimed: 0, booting: 0, stopping: 0 },
  ...{ waiting: 0, hits: 0, misses: 0, evicted: 0 },
  ...more,
});

type Counts = Partial<Pick<PoolDetails, 'idle' | 'claimed' | 'booting' | 'stopping' | 'memory'>>;

function judge(shapes: PoolShapeStatus[], counts: Counts = {}, said: Partial<PoolPolicyInput> = {}) {
  const warm = [{ image: 'host', count: 2 }];
  const input = { name: 'p', warm, capacity: { max: 4 }, memory_budget: '2g', ...said };
  const policy = parsePolicy(input, { cores: 2, pids: 32_768, memory: 2 ** 34 });
  const { kept, refused, ...rest } = warmthOf({
    ...{ policy, shapes, idle: 0, claimed: 0, booting: 0, stopping: 0, memory: 0 },
    ...counts,
  });
  return { ...rest, kept: kept.length, refused: refused.length };
}

describe('how warm a pool is', () => {
  it.each<[string, ReturnType<typeof judge>, ReturnType<typeof judge>]>([
    ['its image is not looked up yet', judge([]), { kept: 0, missing: 2, refused: 0 }],
    ['nothing is idle yet', judge([row({})]), { kept: 1, missing: 2, refused: 0 }],
    ['all are idle', judge([row({ idle: 2 })], { idle: 2 }), { kept: 1, missing: 0, refused: 0 }],
    ['more than enough are', judge([row({ idle: 3 })], { idle: 3 }), { kept: 1, missing: 0, refused: 0 }],
    [
      'a cold shape lacks nothing',
      judge([row({ warm: 0 }), row({ idle: 2 })]),
      { kept: 1, missing: 0, refused: 0 },
    ],
    ['its boots are refused', judge([row({ breaker: 'no' })]), { kept: 1, missing: 2, refused: 1 }],
    [
      'boots are refused that it does not need',
      judge([row({ idle: 2, breaker: 'no' })]),
      { kept: 1, missing: 0, refused: 0 },
    ],
    [
      'every place is in use',
      judge([row({ idle: 1 })], { idle: 1, claimed: 3 }),
      { kept: 1, missing: 1, refused: 0, lacks: 'places' },
    ],
    [
      'all memory is in use',
      judge([row({ idle: 1 })], { idle: 1, claimed: 1, memory: 1537 * MEBI }),
      { kept: 1, missing: 1, refused: 0, lacks: 'memory' },
    ],
    [
      'memory for one is left',
      judge([row({ idle: 1 })], { idle: 1, claimed: 1, memory: 1536 * MEBI }),
      { kept: 1, missing: 1, refused: 0 },
    ],
    [
      'a place is about to come',
      judge([row({})], { claimed: 3, stopping: 1 }),
      { kept: 1, missing: 2, refused: 0 },
    ],
    [
      'it is full of idle ones that make room',
      judge([row({})], { idle: 4 }),
      { kept: 1, missing: 2, refused: 0 },
    ],
    [
      'it is full and warm',
      judge([row({ idle: 2 })], { idle: 2, claimed: 2 }),
      { kept: 1, missing: 0, refused: 0 },
    ],
  ])('%s', (_, found, expected) => expect(found).toEqual(expected));
});
