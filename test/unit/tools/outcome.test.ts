import { describe, expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { CappedOutput } from '../../../src/core/tools/run/capped-output.ts';
import type { ProgramEnd } from '../../../src/core/tools/run/run-program.ts';
import { outcomeOf } from '../../../src/core/tools/tool/tool-result.ts';

const capped = (text: string, limit = 100): CappedOutput => {
  const output = new CappedOutput(limit);
  output.push(Buffer.from(text));
  return output;
};

const exit = (code: number): ProgramEnd => ({ kind: 'exited', status: { code, signal: null } });
const killed = (signal: number, oomKilled?: boolean): ProgramEnd => ({
  kind: 'exited',
  status: { code: null, signal, ...(oomKilled ? { oomKilled } : {}) },
});
const timeout: ProgramEnd = { kind: 'timeout', limit: 1500 };
const missing: ProgramEnd = { kind: 'not-started', error: new FsbError('command_not_found', 'no go here') };

const outcome = (end: ProgramEnd, out = '', err = '') =>
  outcomeOf({ end, stdout: capped(out), stderr: capped(err) });

describe('what the end of a program means', () => {
  it.each([
    ['exit 0', exit(0), 'success', null, { exit_code: 0 }],
    ['exit 1', exit(1), 'error', 'the program ended with exit code 1', { exit_code: 1 }],
    ['its own exit 124', exit(124), 'error', 'the program ended with exit code 124', { exit_code: 124 }],
    ['its own exit 137', exit(137), 'error', 'the program ended with exit code 137', { exit_code: 137 }],
    [
      'a SIGKILL that is not ours',
      killed(9),
      'error',
      'the program was killed by SIGKILL',
      { exit_code: 137, signal: 'SIGKILL' },
    ],
    [
      'no memory',
      killed(9, true),
      'error',
      'the program was killed by SIGKILL: out of memory',
      { exit_code: 137, signal: 'SIGKILL', oom_killed: true },
    ],
    [
      'our deadline',
      timeout,
      'timeout',
      'timed out after 1s500ms; everything that ran in the sandbox was killed',
      {},
    ],
  ] as const)('%s', (_, end, status, error, facts) => {
    expect(outcome(end, 'out')).toEqual({
      status,
      output: 'out',
      error,
      metadata: { ...facts, stdout_truncated: false, stderr_truncated: false },
    });
  });

  it('of a program that the image has not', () => {
    expect(outcome(missing)).toEqual({
      status: 'error',
      output: '',
      error: 'no go here',
      metadata: { reason: 'command_not_found' },
    });
  });

  it.each([
    [exit(0), 'a warning'],
    [exit(3), 'a warning'],
    [timeout, 'a warning\ntimed out after 1s500ms; everything that ran in the sandbox was killed'],
  ])('shows what it wrote to stderr', (end, error) => {
    expect(outcome(end, '', 'a warning').error).toBe(error);
  });

  it('says which of the streams is not whole', () => {
    const run = { end: exit(0), stdout: capped('abcdef', 3), stderr: capped('abc', 3) };
    expect(outcomeOf(run)).toMatchObject({
      output: 'abc',
      metadata: { stdout_truncated: true, stderr_truncated: false },
    });
  });
});
