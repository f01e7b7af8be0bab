import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchCore, startBenchCore } from './bench-core.ts';
import { type Figures, figures, type Samples, sample } from './stats.ts';

const MB = 1_000_000;
const RUNS = 5;

/** What one sandbox writes at full speed, through the guest channel to its log; and a pipe to a file, for comparison. */
export async function logDrainGroup(scale: number): Promise<Figures[]> {
  const bytes = Math.ceil(1000 * scale) * MB;
  const blocks = `head -c ${bytes} /dev/zero`;
  const lines = `yes "a line of a log as programs write them, eighty bytes with its number and its end" | head -c ${bytes}`;
  await using core = await startBenchCore({ flags: ['--warm', 'host=1', '--max', '8'] });
  const rate = (name: string, found: Samples, budget?: string): Figures =>
    figures(name, found, { unit: 'MB/s', ...(budget && { budget }) });
  return [
    rate('pipe to a file (blocks)', await sample(RUNS, () => toFile(blocks, bytes))),
    rate('log drained (blocks)', await sample(RUNS, (run) => drained(core, run, blocks, bytes)), '>= 150'),
    rate('pipe to a file (lines)', await sample(RUNS, () => toFile(lines, bytes))),
    rate('log drained (lines)', await sample(RUNS, (run) => drained(core, run, lines, bytes)), '>= 150'),
  ];
}

/** MB/s from the call to the end of the sandbox, which comes after its last byte is in the log. */
async function drained({ api }: BenchCore, run: number, script: string, bytes: number): Promise<number> {
  const ref = { namespace: 'bench', name: `drain-${run}` };
  const begin = performance.now();
  await api.sandboxes.create({ ...ref, spec: { image: 'host', args: ['sh', '-c', script] } });
  await api.sandboxes.wait(ref);
  const elapsed = performance.now() - begin;
  let seq = 0;
  for await (const entry of api.sandboxes.logs(ref, { follow: false, stdout: true, stderr: true, tail: 1 }))
    seq = entry.seq;
  await api.sandboxes.delete(ref, { grace: 0 });
  if (seq !== bytes) throw new Error(`the log ends at ${seq}, not ${bytes}`);
  return bytes / 1000 / elapsed;
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
