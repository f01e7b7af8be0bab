import { readFileSync } from 'node:fs';
import { type BenchCore, startBenchCore } from './bench-core.ts';
import { createPool, ready } from './bench-pool.ts';
import { liveHeap } from './inspector.ts';
import { type Figures, figures, single } from './stats.ts';

const KIB = 1024;
const SIZES = [100, 500];

/** What idle instances take, outside the core and in it, at two sizes of one pool. */
export async function memoryGroup(scale: number): Promise<Figures[]> {
  await using core = await startBenchCore({ inspect: true });
  const sizes = SIZES.map((size) => Math.ceil(size * scale));
  await createPool(core, 'many', 1, Math.max(...sizes) + 20);
  const rows: Figures[] = [];
  const empty = await measure(core);
  for (const size of sizes) {
    await core.api.pools.update('many', { policy: { warm: [{ image: 'host', count: size }] } });
    await ready(core, 'many', size);
    const now = await measure(core);
    const each = (bytes: number): number => bytes / KIB / (size - 1);
    rows.push(
      figures(`memory per idle instance outside the core, ${size} idle (PSS)`, now.instances, {
        unit: 'KiB',
        budget: '<= 1024',
      }),
      single(
        `the core's own growth per idle instance, ${size} idle (PSS)`,
        each(now.core - empty.core),
        'KiB',
      ),
      single(`heap per idle instance, ${size} idle`, each(now.heap - empty.heap), 'KiB', '<= 2'),
    );
  }
  return rows;
}

/** Bytes, but KiB of the instances. */
async function measure(core: BenchCore): Promise<{
  instances: { samples: number[]; failures: number };
  core: number;
  heap: number;
}> {
  const heap = await liveHeap(core.inspector);
  const { instances } = await core.api.pools.get('many');
  const samples = instances.map(({ pid }) => proportionalShare(pid));
  return { instances: { samples, failures: 0 }, core: proportionalShare(core.status.pid) * KIB, heap };
}

/** KiB; what several processes share counts for each in part. */
function proportionalShare(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? Number.NaN);
}
