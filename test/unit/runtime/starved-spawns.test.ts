import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('says what cannot be started when no descriptor is left, and lives on', async () => {
  const script = fileURLToPath(new URL('../../fixtures/starved-spawns.ts', import.meta.url));
  const command = `ulimit -n 100; exec '${process.execPath}' --import tsx '${script}'`;
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command]);
  const failed = { code: 'run_failed', message: expect.stringMatching(/^cannot (execute|lock) .*EMFILE/) };
  expect(JSON.parse(stdout)).toEqual({
    program: failed,
    launcher: failed,
    lock: failed,
    zstd: failed,
    after: 'succeeded',
  });
});
