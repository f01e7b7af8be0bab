import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guestSources, makeGuest } from '../helpers/guest/guest-programs.ts';
import { corpusDirectory } from './corpus-files.ts';
import type { Target } from './target.ts';

/** libFuzzer on a C program of guest/test, under the sanitizers, from its committed corpus. */
export const libFuzzer =
  (name: string): Target =>
  async (seed, seconds) => {
    makeGuest('fuzz');
    // What it finds interesting goes to the first directory, and what breaks it.
    const found = await mkdtemp(join(tmpdir(), 'fsb-fuzz-'));
    try {
      const said = run(join(guestSources, `build-sanitize/${name}-fuzz`), [
        ...[`-seed=${(seed % 0xff_ff_ff_ff) + 1}`, `-max_total_time=${Math.max(Math.floor(seconds), 1)}`],
        ...['-print_final_stats=1', '-timeout=10', `-artifact_prefix=${found}/crash-`],
        ...[found, corpusDirectory(name)],
      ]);
      return Number(/number_of_executed_units: (\d+)/.exec(said)?.[1]);
    } finally {
      await rm(found, { recursive: true });
    }
  };

/** What breaks a program is a few bytes, and said in base64 at the end of its complaint. */
function run(program: string, args: string[]): string {
  const { status, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? stderr}`);
  return stderr;
}
