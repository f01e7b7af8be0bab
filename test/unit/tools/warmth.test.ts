import { describe, expect, it } from 'vitest';
import type { PoolDetails, PoolInstance, PoolShapeStatus } from '../../../src/core/model/pool/pool.ts';
import { parsePolicy } from '../../../src/core/model/pool/pool-policy.ts';
import { warmthOf } from '../../../src/core/tools/pool/warmth.ts';

const node = { cores: 2, pids: 32_768, memory: 2 ** 34 };

function row(shape: string, warm: number, breaker?: string): PoolShapeStatus {
  return {
    ...{ pool: 'tool-pool', shape, image: `image-${shape}`, max: 8, warm, idle: 0, claimed: 0, booting: 0 },
    ...{ stopping: 0, waiting: 0, hits: 0, misses: 0, evicted: 0 },
    ...(breaker === undefined ? {} : { breaker }),
  };
}

const instance = (id: string, shape: string, state: PoolInstance['state'] = 'idle'): PoolInstance => ({
  ...{ id, shape, image: 'host', state, pid: 1, age: 0 },
});

const pool = (
  count: number,
  shapes: PoolShapeStatus[],
  instances: PoolInstance[],
): Pick<PoolDetails, 'policy' | 'shapes' | 'instances'> => ({
  policy: parsePolicy({ name: 'tool-pool', warm: [{ image: 'host', count }] }, node),
  shapes,
  instances,
});

describe('how warm a pool is', () => {
  it.each([
    ['nothing yet', pool(2, [row('a', 2)], []), [], 2, []],
    ['a part', pool(2, [row('a', 2)], [instance('i1', 'a')]), ['i1'], 1, []],
    [
      'all, one of them claimed and one paused',
      pool(2, [row('a', 2)], [instance('i1', 'a', 'claimed'), instance('i2', 'a', 'paused')]),
      ['i1', 'i2'],
      0,
      [],
    ],
    [
      'one that is going does not count',
      pool(1, [row('a', 1)], [instance('i1', 'a', 'stopping')]),
      [],
      1,
      [],
    ],
    [
      'one of a shape that is not wanted any more does not count',
      pool(1, [row('old', 0), row('a', 1)], [instance('i1', 'old')]),
      [],
      1,
      [],
    ],
    [
      'more than are wanted, for now',
      pool(1, [row('a', 1)], [instance('i1', 'a'), instance('i2', 'a')]),
      ['i1', 'i2'],
      0,
      [],
    ],
    [
      'what holds the rest back',
      pool(2, [row('a', 2, 'no space left')], [instance('i1', 'a')]),
      ['i1'],
      1,
      ['image-a: no space left'],
    ],
    ['not what holds back another shape', pool(1, [row('a', 1), row('b', 0, 'broken')], []), [], 1, []],
  ])('%s', (_, details, up, missing, obstacles) => {
    expect(warmthOf(details)).toEqual({ up, missing, obstacles });
  });
});
