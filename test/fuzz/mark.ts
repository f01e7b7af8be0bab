import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const guest = resolve(import.meta.dirname, '../../guest');

/** libFuzzer on the C code that reads marks, under the sanitizers. @throws with what it says when it finds something */
export async function fuzzMark(seed: number, seconds: number): Promise<number> {
  run('make', ['-s', '-C', guest, 'fuzz']);
  // What it finds interesting goes to the first directory.
  const found = await mkdtemp(join(tmpdir(), 'fsb-fuzz-'));
  try {
    const said = run(join(guest, 'build-sanitize/mark-fuzz'), [
      ...[`-seed=${(seed % 0xff_ff_ff_ff) + 1}`, `-max_total_time=${Math.max(Math.floor(seconds), 1)}`],
      ...['-print_final_stats=1', `-artifact_prefix=${found}/crash-`],
      ...[found, join(import.meta.dirname, 'corpus/mark')],
    ]);
    return Number(/number_of_executed_units: (\d+)/.exec(said)?.[1]);
  } finally {
    await rm(found, { recursive: true });
  }
}

function run(program: string, args: string[]): string {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? stderr}`);
  return stderr;
}
