import type { PoolRunRequest } from '../../../src/core/api/pool-api.ts';
import { type BenchCore, startBenchCore } from '../core/bench-core.ts';
import { createPool, HELLO, ready } from '../core/bench-pool.ts';
import { type Figures, figures, type Samples } from '../figures/stats.ts';

/**
 * The n-th claim among its like: milliseconds to the first byte of output at the client, and the way to give it back.
 */
type Claim = (n: number, concurrency: number) => Promise<{ elapsed: number; end: () => Promise<unknown> }>;

interface Case {
  name: string;
  pool: string;
  /** How many are idle before each round. */
  idle: number;
  claim: Claim;
  /** What every claim of it must be, or it measures something else. */
  expect: 'hits' | 'misses';
  budgets?: Record<number, string>;
}

/** How often a round is measured: at the least 200 hits, and fewer claims that boot. */
const ROUNDS: Record<number, { hits: number; misses: number }> = {
  1: { hits: 200, misses: 40 },
  10: { hits: 20, misses: 4 },
  50: { hits: 5, misses: 1 },
  100: { hits: 3, misses: 1 },
};

const MOST = 100;

/** Claims out of a pool, one at a time and many at once: hits, misses and first uses of a shape apart. */
export async function claimGroup(scale: number): Promise<Figures[]> {
  await using core = await startBenchCore();
  const exec = { argv: HELLO, env: {}, cwd: '', user: '', tty: false, stdin: false };
  const cases: Case[] = [
    {
      ...{ name: 'pool run', pool: 'warm', idle: MOST, expect: 'hits' },
      claim: () => run(core, { pool: 'warm', image: 'host', exec }),
      budgets: { 1: 'p50 2.5, p99 12', 50: 'p99 60' },
    },
    {
      ...{ name: 'create + attach', pool: 'warm', idle: MOST, expect: 'hits' },
      claim: (n, concurrency) => createAndAttach(core, `claim-${concurrency}-${n}`),
      budgets: { 1: 'p50 2.5, p99 12', 50: 'p99 60' },
    },
    {
      ...{ name: 'pool run, a miss', pool: 'empty', idle: 0, expect: 'misses' },
      claim: () => run(core, { pool: 'empty', image: 'host', exec }),
    },
    {
      ...{ name: 'pool run, cold', pool: 'empty', idle: 0, expect: 'misses' },
      // Each of a shape that the pool has never seen.
      claim: (n, concurrency) =>
        run(core, { pool: 'empty', image: 'host', resources: { pids: 300 + 100 * concurrency + n }, exec }),
    },
    {
      ...{ name: 'pool run, cold, with a limit of disk', pool: 'limited', idle: 0, expect: 'misses' },
      claim: (n, concurrency) => {
        const resources = { pids: 300 + 100 * concurrency + n, disk: '1g' };
        return run(core, { pool: 'limited', image: 'host', resources, exec });
      },
    },
  ];
  await createPool(core, 'warm', MOST, 2 * MOST + 20);
  // A pool forgets shapes, and their counts with them, when there are very many: each kind has its own.
  await createPool(core, 'empty', 0, MOST + 20);
  await createPool(core, 'limited', 0, MOST + 20);
  // From here on its shape is known, and a miss is no first use.
  await (await cases[2]!.claim(0, 1)).end();
  const rows: Figures[] = [];
  for (const one of cases)
    for (const concurrency of [1, 10, 50, MOST]) rows.push(await measure(core, one, concurrency, scale));
  return rows;
}

async function measure(core: BenchCore, one: Case, concurrency: number, scale: number): Promise<Figures> {
  const rounds = Math.ceil(ROUNDS[concurrency]![one.expect] * scale);
  const found: Samples = { samples: [], failures: 0 };
  const before = await ready(core, one.pool, one.idle);
  for (let round = 0; round < rounds; round++) {
    const numbers = Array.from({ length: concurrency }, (_, i) => round * concurrency + i);
    const ends = await claimTogether(one, numbers, found);
    await Promise.allSettled(ends.map((end) => end()));
    await ready(core, one.pool, one.idle);
  }
  const after = await ready(core, one.pool, one.idle);
  const counted = after[one.expect] - before[one.expect];
  return figures(`${one.name}, ${concurrency} at once`, ofItsKind(one, counted, found), {
    budget: one.budgets?.[concurrency],
  });
}

/** Nobody knows which of the samples are of the other kind: none of them says what its row says, and all have failed. */
function ofItsKind({ name, expect }: Case, counted: number, { samples, failures }: Samples): Samples {
  if (counted === samples.length) return { samples, failures };
  console.error(`${name}: ${counted} of ${samples.length} claims were among the ${expect}`);
  return { samples: [], failures: samples.length + failures };
}

async function claimTogether(
  { claim }: Case,
  numbers: number[],
  found: Samples,
): Promise<(() => Promise<unknown>)[]> {
  const ends: (() => Promise<unknown>)[] = [];
  for (const result of await Promise.allSettled(numbers.map((n) => claim(n, numbers.length)))) {
    if (result.status === 'fulfilled') {
      found.samples.push(result.value.elapsed);
      ends.push(result.value.end);
    } else {
      found.failures += 1;
      console.error(result.reason instanceof Error ? result.reason.message : result.reason);
    }
  }
  return ends;
}

/** One stream: it claims, starts the command and carries its output. */
async function run(core: BenchCore, request: PoolRunRequest): ReturnType<Claim> {
  const begin = performance.now();
  const session = await core.api.pools.run(request);
  for await (const _ of session.output) {
    const elapsed = performance.now() - begin;
    return { elapsed, end: () => session.close() };
  }
  throw new Error('it ended before it said anything');
}

/** A sandbox with a name: gRPC, then the stream that attaches to it. */
async function createAndAttach(core: BenchCore, name: string): ReturnType<Claim> {
  const ref = { namespace: 'bench', name };
  const begin = performance.now();
  await core.api.sandboxes.create({ ...ref, spec: { image: 'host', args: HELLO, pool_ref: 'warm' } });
  const session = await core.api.sandboxes.attach(ref, { stdin: false, replay: true });
  for await (const _ of session.output) break;
  const elapsed = performance.now() - begin;
  const end = async (): Promise<void> => {
    await session.close();
    await core.api.sandboxes.delete(ref, { grace: 0 });
  };
  return { elapsed, end };
}
