import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/model/clock.ts';
import { runProgram } from '../../../src/core/runtime/oci/run-program.ts';

const sh = (script: string, timeoutMs = 10_000, signal?: AbortSignal) =>
  runProgram('/bin/sh', ['-c', script], { clock: systemClock, timeoutMs, signal });

describe('runProgram', () => {
  it('reports output and how it ended', async () => {
    expect(await sh('echo out; echo err >&2; exit 3')).toEqual({
      code: 3,
      signal: null,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(await sh('kill -9 $$')).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  it('passes on nothing of its own environment', async () => {
    process.env.FSB_TEST_SECRET = 'secret';
    const { stdout } = await sh('env');
    delete process.env.FSB_TEST_SECRET;
    expect(stdout).not.toContain('secret');
    expect(stdout).not.toContain('NODE_');
  });

  it('keeps the beginning of what is said without end', async () => {
    const { stdout } = await sh('head -c 10000000 /dev/zero | tr "\\0" x');
    expect(stdout.length).toBe(64 * 1024);
  });

  it('kills the whole group at the deadline', async () => {
    await expect(sh('sleep 1000 & sleep 1000', 100)).rejects.toMatchObject({ code: 'run_failed' });
  });

  it('kills the whole group when it is aborted', async () => {
    const abort = new AbortController();
    const running = sh('sleep 1000 & sleep 1000', 10_000, abort.signal);
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    await expect(sh('true', 1000, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('says what cannot be executed', async () => {
    const running = runProgram('/no/such/program', [], { clock: systemClock, timeoutMs: 1000 });
    await expect(running).rejects.toMatchObject({
      code: 'run_failed',
      message: expect.stringContaining('/no/such/program'),
    });
  });
});
