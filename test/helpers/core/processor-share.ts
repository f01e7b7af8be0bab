import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { controllerDirectory } from '../../../src/core/runtime/oci/cgroup/layout.ts';
import { readCgroupStats } from '../../../src/core/runtime/oci/cgroup/stats.ts';
import { readCgroupLayout } from '../../../src/core/runtime/oci/node-facts.ts';
import { cgroupName } from './traces.ts';

/** What the kernel allows, gives and denies an instance of the processors. */
export interface ProcessorShare {
  /** Microseconds that it may run in each period of 100,000. */
  quota: number;
  /** What it gets beside others, in the numbers of the kernel. */
  weight: number;
  /** Microseconds that it has run. */
  used: number;
  /** Since it began to run, and of these those at whose end it had to wait. */
  periods: number;
  throttled: number;
}

/** Of an instance of the core on `root`. */
export async function processorShare(root: string, instance: string): Promise<ProcessorShare> {
  const layout = await readCgroupLayout();
  const cgroup = `/${cgroupName(root)}/${instance}`;
  const { cpuMicros: used } = await readCgroupStats(layout, cgroup);
  const directory = controllerDirectory(layout, 'cpu', cgroup)!;
  const read = (v1: string, v2: string): Promise<string> =>
    readFile(join(directory, layout.mode === 'v2' ? v2 : v1), 'utf8');
  const counts = await read('cpu.stat', 'cpu.stat');
  const count = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(counts)![1]);
  return {
    quota: Number.parseInt(await read('cpu.cfs_quota_us', 'cpu.max'), 10),
    weight: Number(await read('cpu.shares', 'cpu.weight')),
    ...{ used, periods: count('nr_periods'), throttled: count('nr_throttled') },
  };
}
