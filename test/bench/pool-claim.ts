/**
 * What the pool itself costs, on instances in memory: the claim path, and the heap for each idle instance.
 *
 *     node --expose-gc --import tsx test/bench/pool-claim.ts
 */
import pino from 'pino';
import { bootInstance } from '../../src/core/instance/boot-instance.ts';
import type { Instance } from '../../src/core/instance/instance.ts';
import { systemClock as clock } from '../../src/core/model/clock.ts';
import { newInstanceId } from '../../src/core/model/ids.ts';
import { parsePolicy } from '../../src/core/model/pool/pool-policy.ts';
import { createPool } from '../../src/core/pool/create-pool.ts';
import type { Claim, Pool } from '../../src/core/pool/pool.ts';
import { createFakeDriver } from '../helpers/pool/fake-driver.ts';
import { shapeOf } from '../helpers/pool/pool-world.ts';

const CLAIMS = 20_000;
const IDLE = 5_000;
const host = shapeOf('host');
const fake = createFakeDriver();

const boot = (_: unknown, signal?: AbortSignal): Promise<Instance> =>
  bootInstance(
    fake.driver,
    fake.openChannel,
    { id: newInstanceId(), shape: host, root: { overlays: [] } },
    { clock, signal },
  );

function newPool(max: number): Pool {
  const capacity = { max, buffer_min: 0, buffer_max: 0 };
  const policy = parsePolicy(
    { name: 'bench', capacity, memory_budget: '4096t' },
    { cores: 2, pids: 32_768, memory: 1 },
  );
  return createPool({ policy, boot, clock, log: pino({ level: 'silent' }) });
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const quantile = (sorted: number[], fraction: number): string =>
  `${(sorted[Math.ceil(fraction * sorted.length) - 1]! * 1000).toFixed(1)} us`;

async function claimPath(concurrency: number): Promise<void> {
  const pool = newPool(concurrency * 4);
  pool.keepWarm([{ shape: host, image: 'host', count: concurrency }]);
  await tick();
  const times: number[] = [];
  let hits = 0;
  const one = async (): Promise<Claim> => {
    const began = performance.now();
    const claim = await pool.claim({ shape: host, image: 'host' });
    times.push(performance.now() - began);
    if (claim.hit) hits += 1;
    return claim;
  };
  while (times.length < CLAIMS) {
    const claims = await Promise.all(Array.from({ length: concurrency }, one));
    await Promise.all(claims.map((claim) => pool.release(claim)));
    await tick();
  }
  await pool.close();
  times.sort((a, b) => a - b);
  console.log(
    `claim, ${concurrency} at once: p50 ${quantile(times, 0.5)}, p99 ${quantile(times, 0.99)}, ` +
      `max ${quantile(times, 1)}, hits ${((100 * hits) / times.length).toFixed(1)} %`,
  );
}

function heapNow(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** Adopts instances that exist already, so that only what the pool adds is counted. */
async function heapPerIdle(): Promise<void> {
  const pool = newPool(IDLE);
  const instances: Instance[] = [];
  const empty = heapNow();
  for (let i = 0; i < IDLE; i++) instances.push(await boot(undefined));
  const before = heapNow();
  pool.keepWarm([{ shape: host, image: 'host', count: IDLE }]);
  for (const instance of instances) pool.adopt(instance);
  await tick();
  const after = heapNow();
  console.log(
    `heap per idle instance: ${Math.round((after - before) / IDLE)} bytes in the pool, ` +
      `${Math.round((before - empty) / IDLE)} bytes in the instance and its fake guest (${IDLE} idle)`,
  );
  await pool.close();
}

if (globalThis.gc === undefined) console.log('run with --expose-gc for the heap figures');
else await heapPerIdle();
for (const concurrency of [1, 10, 50, 100]) await claimPath(concurrency);
