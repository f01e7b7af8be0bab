import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

it('says what cannot be started when no descriptor is left, and lives on', async () => {
  const root = await mkdtemp(join(tmpdir(), 'fsb-starved-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const script = fileURLToPath(new URL('../../fixtures/starved-spawns.ts', import.meta.url));
  const command = `ulimit -n 100; exec '${process.execPath}' --import tsx '${script}' '${root}'`;
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command]);
  const failed = { code: 'run_failed', message: expect.stringMatching(/^cannot (execute|lock) .*EMFILE/) };
  expect(JSON.parse(stdout)).toEqual({
    program: failed,
    launcher: failed,
    lock: failed,
    marks: failed,
    zstd: failed,
    after: 'succeeded',
  });
});
