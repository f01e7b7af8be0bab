import { expect, it } from 'vitest';
import { CopyProgress } from '../../../../src/cli/copy/progress.ts';
import { Recorder, TypedInput } from '../../../helpers/cli/command-line.ts';
import { Screen } from '../../../helpers/cli/screen.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

function copying(isTTY: boolean, silent = false) {
  const stderr = Object.assign(new Recorder(), { isTTY, columns: 50, rows: 5 });
  const clock = createManualClock();
  const world = { terminal: { stdin: new TypedInput(), stdout: new Recorder(), stderr }, env: {}, clock };
  const progress = new CopyProgress(world, silent);
  return { stderr, clock, progress, shown: () => new Screen(50, 5).write(stderr.text).lines[0] };
}

it('of what has a size is a bar on a terminal, of anything else the bytes, in one line that goes', async () => {
  const { progress, clock, shown, stderr } = copying(true);
  progress.copied(1_000_000);
  expect(shown()).toBe('Copying ... 1MB');
  progress.total = 4_000_000;
  progress.copied(1_000_000);
  await clock.advance(100);
  progress.copied(0);
  expect(shown()).toBe('Copying ... [=============>             ] 2MB/4MB');
  await progress.clear();
  expect(shown()).toBe('');
  expect(stderr.text).not.toContain('\n');
});

it('is a line every ten seconds elsewhere, and nothing for what is soon done', async () => {
  const { progress, clock, stderr } = copying(false);
  progress.total = 1_500_000_000;
  for (let second = 0; second < 25; second++) {
    progress.copied(10_000_000);
    await clock.advance(1000);
  }
  await progress.clear();
  expect(stderr.text).toBe('Copying ... 110MB/1.5GB\nCopying ... 210MB/1.5GB\n');
});

it('is silent when it is told to be', async () => {
  const { progress, stderr } = copying(true, true);
  progress.copied(1_000_000);
  await progress.clear();
  expect(stderr.text).toBe('');
});
