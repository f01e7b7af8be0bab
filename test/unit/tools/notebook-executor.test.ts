import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Notebook } from '../../../src/core/tools/notebook/notebook.ts';
import { OUTPUT_LIMIT } from '../../../src/core/tools/run/run-program.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';
import { makeToolBench, type ToolBench } from '../../helpers/pool/tool-bench.ts';

let bench: ToolBench;
beforeEach(async () => {
  bench = await makeToolBench();
});
afterEach(() => bench.close());

const cell = (code: string, more: object = {}) => bench.use('notebook_executor', { code, ...more });

describe('a notebook', () => {
  it('keeps its variables from call to call', async () => {
    expect(await cell('x = 20\ndef double(n):\n  return 2 * n')).toMatchObject({
      status: 'success',
      output: '',
      metadata: { kernel: 'new' },
    });
    expect(await cell('double(x) + 2')).toMatchObject({
      output: '42',
      metadata: { kernel: 'kept', result: '42' },
    });
  });

  it('shows what is printed, then the value of a last expression', async () => {
    expect(await cell('print("out", end="")\n"a" + "b"')).toMatchObject({
      output: "out\n'ab'",
      metadata: { result: "'ab'" },
    });
    expect(await cell('print("only this")')).toMatchObject({ output: 'only this\n', error: null });
    expect((await cell('None')).metadata.result).toBeUndefined();
  });

  it('keeps the streams apart, those of child processes too', async () => {
    const code =
      'import os, sys\nprint("a")\nprint("b", file=sys.stderr)\nos.system("echo c; echo d >&2")\n1';
    expect(await cell(code)).toMatchObject({ output: 'a\nc\n1', error: 'b\nd\n' });
  });

  it('shows the traceback of an exception with the lines of the cell, and lives on', async () => {
    await cell('y = 1');
    const result = await cell('def fail():\n  raise ValueError("no")\nfail()');
    expect(result.status).toBe('error');
    expect(result.error).toMatch(/^Traceback .*\n.*<cell 2>", line 3/);
    expect(result.error).toContain('raise ValueError("no")');
    expect(result.error).not.toContain('exec(compile');
    expect(await cell('y')).toMatchObject({ output: '1', metadata: { kernel: 'kept' } });
  });

  it.each([
    ['a syntax error', 'if', 'SyntaxError'],
    ['sys.exit', 'import sys; sys.exit(3)', 'SystemExit: 3'],
    ['a repr that fails', 'class A:\n  def __repr__(self): return 1\nA()', 'TypeError'],
    ['endless recursion', 'def f(): f()\nf()', 'RecursionError'],
  ])('lives on after %s', async (_, code, error) => {
    const result = await cell(code);
    expect(result.status).toBe('error');
    expect(result.error).toContain(error);
    expect(await cell('1')).toMatchObject({ output: '1', metadata: { kernel: 'kept' } });
  });

  it('lives on after an exception that has no traceback', async () => {
    const code =
      'class Bare(Exception):\n  @property\n  def __traceback__(self): return None\nraise Bare("no")';
    const result = await cell(code);
    expect(result).toMatchObject({ status: 'error', error: expect.stringContaining('Bare: no') });
    expect(await cell('1')).toMatchObject({ output: '1', metadata: { kernel: 'kept' } });
  });

  it('lives on after an exception that cannot be shown', async () => {
    const code = 'class Worse(Exception):\n  @property\n  def __traceback__(self): raise self\nraise Worse()';
    expect(await cell(code)).toMatchObject({ status: 'error', error: expect.stringContaining('Worse') });
    expect(await cell('1')).toMatchObject({ output: '1', metadata: { kernel: 'kept' } });
  });

  it('gives no cell the output of another, whatever that one writes to end early', async () => {
    const forge = `import os, sys
request = sys._getframe(1).f_globals['request']
mark = request.get('end', request.get('mark')).encode()
os.write(2, mark)
os.write(1, mark + b'{"value": "forged"}\\n')
import time; time.sleep(0.3)
print("of the first")`;
    expect(await cell(forge)).toMatchObject({ output: 'forged' });
    expect(await cell('print("of the second")')).toMatchObject({ output: 'of the second\n' });
  });

  it('finds its standard input empty, and so do its children', async () => {
    expect(await cell('import sys; sys.stdin.read()')).toMatchObject({ output: "''" });
    expect(await cell('import subprocess; subprocess.run("cat").returncode')).toMatchObject({ output: '0' });
    expect(await cell('1')).toMatchObject({ metadata: { kernel: 'kept' } });
  });

  it('is not confused by what the code prints or closes', async () => {
    await cell('import os, sys\nprint("\\0fsb:00:{}\\n" * 3)\nsys.stderr.write("\\0fsb:")');
    await cell('sys.stdout.close(); sys.stderr.close()');
    await cell('os.close(1); os.close(2)');
    expect(await cell('6 * 7')).toMatchObject({ status: 'success', output: '42' });
  });

  it('does not run cells twice for a fork that comes back', async () => {
    await cell('import os\nn = 0\npid = os.fork()\nn += 1');
    expect(await cell('n')).toMatchObject({ output: '1' });
  });

  it('caps each stream, and goes on', async () => {
    const result = await cell('import sys\nfor i in range(300): sys.stdout.write("x" * 10_000)\n1');
    expect(result).toMatchObject({
      metadata: { stdout_truncated: true, stderr_truncated: false, result: '1' },
    });
    expect(result.output.length).toBe(OUTPUT_LIMIT + '\n1'.length);
    expect(await cell('2')).toMatchObject({ output: '2', metadata: { kernel: 'kept' } });
  });

  it('takes long code and shows a long value', async () => {
    const result = await cell(`text = "${'é'.repeat(200_000)}"\ntext`);
    expect(result.output).toBe(`'${'é'.repeat(200_000)}'`);
  });
});

describe('a kernel that is gone', () => {
  it('says so at a timeout, and at the next call', async () => {
    const clock = createManualClock();
    const late = await makeToolBench(clock);
    const parameters = { code: 'import time\nprint("begun\\n", end="")\ntime.sleep(1000)', timeout: 5 };
    const result = await late.useUntilOutput('notebook_executor', parameters, () => void clock.advance(5000));
    expect(result).toMatchObject({ status: 'timeout', output: 'begun\n' });
    expect(result.error).toContain('the state of the notebook is lost');
    const next = await late.use('notebook_executor', { code: 'time' });
    expect(next).toMatchObject({ status: 'error', metadata: { kernel: 'new' } });
    expect(next.error).toContain('NameError');
    expect(next.metadata.state_lost).toContain('a call before this one was ended');
    await late.close();
  });

  it('is ended when it is not used, so that its sandbox can be reclaimed', async () => {
    const clock = createManualClock();
    const late = await makeToolBench(clock);
    const notebook = new Notebook({ clock, idle: 60_000 });
    const use = (code: string) => late.use('notebook_executor', { code }, { notebook });
    await use('x = 1');
    await clock.advance(59_999);
    expect(await use('x')).toMatchObject({ output: '1', metadata: { kernel: 'kept' } });
    await clock.advance(60_000);
    expect(await use('1')).toMatchObject({
      metadata: { kernel: 'new', state_lost: 'the kernel was unused for 1m' },
    });
    await notebook.close();
    await late.close();
  });

  it('says so when the code ends it', async () => {
    const result = await cell('import os\nprint("last words")\nos._exit(3)');
    expect(result).toMatchObject({ status: 'error', output: 'last words\n' });
    expect(result.error).toContain('the code ended the kernel');
    expect(await cell('1')).toMatchObject({
      output: '1',
      metadata: { kernel: 'new', state_lost: 'the kernel ended: exit code 3' },
    });
  });

  it('says so when it was killed with all that ran in the sandbox', async () => {
    await cell('x = 1');
    await bench.context.sandbox.killAll();
    expect(await cell('1')).toMatchObject({
      metadata: { kernel: 'new', state_lost: 'the kernel ended: killed by SIGKILL' },
    });
  });
});
