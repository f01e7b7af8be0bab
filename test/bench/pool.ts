import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startBenchCore } from './bench-core.ts';
import { warm } from './claim.ts';
import { type Figures, figures, sample } from './stats.ts';

/** From a claim, answered, to the moment when the instance that replaces the claimed one is warm. */
export async function bootCase(scale: number): Promise<Figures> {
  await using core = await startBenchCore(['--warm', 'host=1', '--max', '8']);
  await warm(core, 1);
  const { samples, failures } = await sample(Math.ceil(40 * scale), async (run) => {
    const ref = { namespace: 'bench', name: `boot-${run}` };
    await warm(core, 1);
    await core.api.sandboxes.create({ ...ref, spec: { image: 'host', args: ['sleep', '600'] } });
    const begin = performance.now();
    await warm(core, 1);
    const elapsed = performance.now() - begin;
    await core.api.sandboxes.delete(ref, { grace: 0 });
    return elapsed;
  });
  return figures('claim to the pool full again (boot to ready)', samples, { failures });
}

/** How fast an empty pool fills. */
export async function refillCase(): Promise<Figures> {
  const count = 40;
  const begin = performance.now();
  await using core = await startBenchCore(['--warm', `host=${count}`, '--max', '64']);
  const startUp = performance.now() - begin;
  const from = (await core.api.pools.status()).reduce((sum, row) => sum + row.idle, 0);
  const filling = performance.now();
  await warm(core, count);
  const rate = (count - from) / ((performance.now() - filling) / 1000);
  console.error(`core start-up ${startUp.toFixed(0)} ms, ${from} instances warm by then`);
  return figures('refill', [rate], { unit: 'instances/s', budget: '>= 40' });
}

/** Memory that a warm instance takes outside the core: the proportional share of its PID 1. */
export async function memoryCase(): Promise<Figures> {
  await using core = await startBenchCore(['--warm', 'host=20', '--max', '64']);
  await warm(core, 20);
  const shares = (await firstProcesses(core.status.root)).map((pid) => proportionalShare(pid) / 1024);
  return figures('memory per warm instance (PSS outside the core)', shares, { unit: 'MiB', budget: '<= 1' });
}

/** PID 1 of every instance of this core, and of no other on the machine. */
async function firstProcesses(root: string): Promise<number[]> {
  const runtime = join(root, 'run/runc');
  const ids = await readdir(runtime);
  return ids.map((id) => JSON.parse(read(join(runtime, id, 'state.json'))).init_process_pid as number);
}

/** KiB */
function proportionalShare(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? Number.NaN);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
