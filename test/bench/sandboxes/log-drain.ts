import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchCore, startBenchCore } from '../core/bench-core.ts';
import { processorTime } from '../core/proc.ts';
import { type Figures, figures, type Samples, sample } from '../figures/stats.ts';

const MB = 1_000_000;
const RUNS = 5;
const LINE = 'a line of a log as programs write them, eighty bytes with its number and its end';

/**
 * What one sandbox writes at full speed, through the guest channel to its log; next to a pipe to a file. The second figure is
 * how fast it would be if the core were all that takes time: it says the same on a machine that is busy otherwise.
 */
export async function logDrainGroup(scale: number): Promise<Figures[]> {
  const bytes = Math.ceil(1000 * scale) * MB;
  await using core = await startBenchCore({ flags: ['--warm', 'host=1', '--max', '8'] });
  const rows: Figures[] = [];
  for (const [what, script] of [
    ['blocks', `head -c ${bytes} /dev/zero`],
    ['lines', `yes "${LINE}" | head -c ${bytes}`],
  ] as const) {
    const processor: Samples = { samples: [], failures: 0 };
    const piped = await sample(RUNS, () => toFile(script, bytes));
    const drained = await sample(RUNS, async (run) => {
      const { elapsed, busy } = await drain(core, `${what}-${run}`, script, bytes);
      processor.samples.push(bytes / 1000 / busy);
      return bytes / 1000 / elapsed;
    });
    rows.push(
      figures(`pipe to a file (${what})`, piped, { unit: 'MB/s' }),
      figures(`log drained (${what})`, drained, { unit: 'MB/s', budget: '>= 150' }),
      figures(`log drained (${what}), by the core's processor time`, processor, { unit: 'MB/s' }),
    );
  }
  return rows;
}

/** Milliseconds from the call to the end of the sandbox, which comes after its last byte is in the log. */
async function drain(
  { api, status }: BenchCore,
  name: string,
  script: string,
  bytes: number,
): Promise<{ elapsed: number; busy: number }> {
  const ref = { namespace: 'bench', name };
  const before = processorTime(status.pid);
  const begin = performance.now();
  await api.sandboxes.create({ ...ref, spec: { image: 'host', args: ['sh', '-c', script] } });
  await api.sandboxes.wait(ref);
  const elapsed = performance.now() - begin;
  const busy = processorTime(status.pid) - before;
  let seq = 0;
  for await (const entry of api.sandboxes.logs(ref, { follow: false, stdout: true, stderr: true, tail: 1 }))
    seq = entry.seq;
  await api.sandboxes.delete(ref, { grace: 0 });
  if (seq !== bytes) throw new Error(`the log ends at ${seq}, not ${bytes}`);
  return { elapsed, busy };
}

async function toFile(script: string, bytes: number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'fsb-bench-pipe-'));
  try {
    const begin = performance.now();
    const child = spawn('sh', ['-c', `(${script}) | cat > ${directory}/log`], { stdio: 'ignore' });
    await once(child, 'exit');
    return bytes / 1000 / (performance.now() - begin);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
