import { readFileSync } from 'node:fs';
import { type BenchCore, startBenchCore } from '../core/bench-core.ts';
import { createPool, ready } from '../core/bench-pool.ts';
import { liveHeap } from '../core/inspector.ts';
import { type Figures, figures, type Samples, single } from '../figures/stats.ts';

const KIB = 1024;
const FEW = 100;
const MANY = 500;

/** What idle instances take, outside the core and in it, at two sizes of one pool. */
export async function memoryGroup(scale: number): Promise<Figures[]> {
  await using core = await startBenchCore({ inspect: true });
  const few = Math.ceil(FEW * scale);
  const many = Math.ceil(MANY * scale);
  await createPool(core, 'many', few, many + 20);
  const first = await measure(core);
  await resize(core, many);
  const most = await measure(core);
  // Back to few: what the core has compiled and learned meanwhile is no instance's.
  await resize(core, few);
  const last = await measure(core);
  const outside = (idle: number, { instances }: Footprint): Figures =>
    figures(`memory per idle instance outside the core, ${idle} idle (PSS)`, instances, {
      unit: 'KiB',
      budget: '<= 1024',
    });
  const each = (after: number, before: number): number => (after - before) / KIB / (many - few);
  return [
    outside(few, first),
    outside(many, most),
    single(
      `the core's own growth for each, ${few} to ${many} idle (PSS)`,
      each(most.core, first.core),
      'KiB',
    ),
    single(`heap for each, ${few} to ${many} idle, real channels`, each(most.heap, last.heap), 'KiB', '<= 2'),
  ];
}

async function resize(core: BenchCore, idle: number): Promise<void> {
  await core.api.pools.update('many', { policy: { warm: [{ image: 'host', count: idle }] } });
  for (let now = -1; now !== idle; ) now = (await ready(core, 'many', idle)).idle;
}

interface Footprint {
  /** KiB of each. */
  instances: Samples;
  /** Bytes. */
  core: number;
  heap: number;
}

async function measure(core: BenchCore): Promise<Footprint> {
  const heap = await liveHeap(core.inspector);
  const { instances } = await core.api.pools.get('many');
  const samples = instances.map(({ pid }) => proportionalShare(pid));
  return { instances: { samples, failures: 0 }, core: proportionalShare(core.status.pid) * KIB, heap };
}

/** KiB; what several processes share counts for each in part. */
function proportionalShare(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? Number.NaN);
}
