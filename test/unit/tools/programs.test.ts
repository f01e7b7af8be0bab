import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OUTPUT_LIMIT } from '../../../src/core/tools/run/run-program.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';
import { makeToolBench, type ToolBench } from '../../helpers/pool/tool-bench.ts';

/** `late` is one whose deadlines come when the test says. */
let bench: ToolBench;
let late: ToolBench;
const clock = createManualClock();
beforeAll(async () => {
  bench = await makeToolBench();
  late = await makeToolBench(clock);
});
afterAll(async () => {
  await bench.close();
  await late.close();
});

describe('python_executor', () => {
  const run = (code: string, more: object = {}) => bench.use('python_executor', { code, ...more });

  it('gives what the program prints, its streams apart', async () => {
    const result = await run('import sys\nprint("to out")\nprint("to err", file=sys.stderr)');
    expect(result).toMatchObject({
      tool_name: 'python_executor',
      status: 'success',
      output: 'to out\n',
      error: 'to err\n',
      metadata: { exit_code: 0, stdout_truncated: false },
    });
    expect(result.execution_time).toBeGreaterThan(0);
  });

  it('gives the traceback of an exception as its error', async () => {
    const result = await run('print(1)\nraise ValueError("no")');
    expect(result).toMatchObject({ status: 'error', output: '1\n', metadata: { exit_code: 1 } });
    expect(result.error).toContain('ValueError: no');
  });

  it.each([124, 137])('takes its own exit %i for an error', async (code) => {
    const result = await run(`import sys; sys.exit(${code})`);
    expect(result).toMatchObject({ status: 'error', metadata: { exit_code: code } });
  });

  it('finds its standard input empty', async () => {
    expect(await run('import sys; print(repr(sys.stdin.read()))')).toMatchObject({ output: "''\n" });
  });

  it('takes code that is longer than an argument may be', async () => {
    const filler = '#'.repeat(300_000);
    expect(await run(`${filler}\nprint("end")`)).toMatchObject({ status: 'success', output: 'end\n' });
  });

  it('shows what was printed before a timeout', async () => {
    const parameters = { code: 'import time\nprint("begun\\n", end="")\ntime.sleep(1000)', timeout: 5 };
    const result = await late.useUntilOutput('python_executor', parameters, () => void clock.advance(5000));
    expect(result).toMatchObject({ status: 'timeout', output: 'begun\n' });
    expect(result.error).toContain('timed out after 5s');
    expect(late.core.openSessions.size).toBe(0);
  });

  it('reads on when the result is full, so that the program is not held back', async () => {
    const result = await run(
      'import sys\nfor i in range(300): sys.stdout.write("x" * 10_000)\nsys.stderr.write("done")',
    );
    expect(result).toMatchObject({
      status: 'success',
      error: 'done',
      metadata: { stdout_truncated: true, stderr_truncated: false },
    });
    expect(result.output.length).toBe(OUTPUT_LIMIT);
  });
});

describe('shell_executor', () => {
  const run = (command: unknown, more: object = {}) => bench.use('shell_executor', { command, ...more });

  it('runs a command with bash, in the working directory', async () => {
    const result = await run('for i in {1..3}; do echo $i; done; pwd');
    expect(result).toMatchObject({ status: 'success', output: `1\n2\n3\n${bench.directory}\n` });
  });

  it('runs a program with its arguments, untouched by a shell', async () => {
    expect(await run(['printf', '%s|', '$HOME', 'a b', '*'])).toMatchObject({ output: '$HOME|a b|*|' });
  });

  it('gives the command an empty standard input', async () => {
    expect(await run('cat; echo end')).toMatchObject({ output: 'end\n' });
    expect(await run(['cat'])).toMatchObject({ status: 'success', output: '' });
  });

  it.each(['exit 3', 'false', 'exit 124', 'kill -9 $$', 'if'])(
    'tells the failure of: %s',
    async (command) => {
      const result = await run(command);
      expect(result.status).toBe('error');
      expect(result.metadata.exit_code).not.toBe(0);
    },
  );

  it('takes a command that is longer than an argument may be', async () => {
    expect(await run(`: '${'x'.repeat(200_000)}'; echo end`)).toMatchObject({ output: 'end\n' });
  });

  it('says what is missing', async () => {
    const result = await run(['no-such-program-here']);
    expect(result).toMatchObject({ status: 'error', metadata: { reason: 'command_not_found' } });
    expect(result.error).toContain('no-such-program-here');
  });

  it('kills what runs at its deadline', async () => {
    const parameters = { command: 'echo $$; exec sleep 1000', timeout: 5 };
    const result = await late.useUntilOutput('shell_executor', parameters, () => void clock.advance(5000));
    expect(result.status).toBe('timeout');
    expect(() => process.kill(Number(result.output), 0)).toThrow('ESRCH');
  });

  it('kills what runs when the caller leaves', async () => {
    const caller = new AbortController();
    const { sandbox } = bench.context;
    const leaving = {
      ...sandbox,
      exec: async (...call: Parameters<typeof sandbox.exec>) => {
        const session = await sandbox.exec(...call);
        caller.abort();
        return session;
      },
    };
    const changes = { signal: caller.signal, sandbox: leaving };
    const running = bench.use('shell_executor', { command: 'exec sleep 1000' }, changes);
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect(await bench.core.pools.leases()).toMatchObject([{ running: 0 }]);
  });
});
