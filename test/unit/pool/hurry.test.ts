import pino from 'pino';
import { expect, it } from 'vitest';
import type { Instance } from '../../../src/core/instance/instance.ts';
import { parsePolicy } from '../../../src/core/model/pool/pool-policy.ts';
import { createPool } from '../../../src/core/pool/create-pool.ts';
import type { Pool } from '../../../src/core/pool/pool.ts';
import { createManualClock, settle } from '../../helpers/manual-clock.ts';
import { MiB, shapeOf } from '../../helpers/pool/pool-world.ts';

const host = shapeOf('host');
const python = shapeOf('python');
const DELAY = 4;

/** A pool whose boots never end, with what each was told. */
function poolOfBoots(): {
  pool: Pool;
  boots: { image: string; low: () => boolean }[];
  advance(ms: number): Promise<void>;
} {
  const clock = createManualClock();
  const boots: { image: string; low: () => boolean }[] = [];
  const limits = { capacity: { max: 8, buffer_min: 0, buffer_max: 0 }, boot_concurrency: 8 };
  const pool = createPool({
    policy: parsePolicy({ name: 'p', ...limits }, { cores: 2, pids: 32_768, memory: 1024 * 1024 * MiB }),
    boot: (shape, _signal, lowUntil) => {
      boots.push({ image: shape.image, low: () => lowUntil !== undefined && !lowUntil.aborted });
      return new Promise<Instance>(() => {});
    },
    refillDelay: DELAY,
    clock,
    log: pino({ level: 'silent' }),
  });
  return { pool, boots, advance: (ms) => clock.advance(ms) };
}

it('a refill lets claims go first, and gives way until somebody waits for it', async () => {
  const { pool, boots, advance } = poolOfBoots();
  pool.keepWarm([
    { shape: host, image: 'host', count: 2 },
    { shape: python, image: 'python', count: 1 },
  ]);
  await settle();
  expect(boots).toEqual([]);
  await advance(DELAY);
  expect(boots.map(({ low }) => low())).toEqual([true, true, true]);
  void pool.claim({ shape: host, image: 'host' }).catch(() => {});
  await settle();
  // Of its shape the oldest, which is the nearest to its end.
  expect(boots.map(({ image, low }) => [image, low()])).toEqual([
    [host.image, false],
    [python.image, true],
    [host.image, true],
  ]);
});

it('a refill that somebody waits for before it began begins at once', async () => {
  const { pool, boots } = poolOfBoots();
  pool.keepWarm([{ shape: host, image: 'host', count: 1 }]);
  await settle();
  void pool.claim({ shape: host, image: 'host' }).catch(() => {});
  await settle();
  expect(boots[0]!.low()).toBe(false);
});

it('a boot for a claim never gives way', async () => {
  const { pool, boots } = poolOfBoots();
  void pool.claim({ shape: host, image: 'host' }).catch(() => {});
  await settle();
  expect(boots.map(({ low }) => low())).toEqual([false]);
});
