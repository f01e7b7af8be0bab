import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { languageAliases, languages } from '../../../src/core/tools/languages.ts';
import { KILL_GRACE } from '../../../src/core/tools/run/run-program.ts';
import { scriptedProcess, scriptedSandbox } from '../../helpers/core/scripted-sandbox.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';
import { makeToolBench, type ToolBench } from '../../helpers/pool/tool-bench.ts';

let bench: ToolBench;
beforeAll(async () => {
  bench = await makeToolBench();
});
afterAll(() => bench.close());

const use = async (language: string, code: string, more: object = {}) =>
  bench.use('multi_code_executor', { language, code, ...more });

const hello: Record<string, string> = {
  python: 'print("hello")',
  javascript: 'console.log("hello")',
  typescript: 'const text: string = "hello"; console.log(text)',
  bash: 'echo hello',
  sh: 'echo hello',
  c: '#include <stdio.h>\n#include <math.h>\nint main(int n, char **a) { puts(sqrt(n) > 0 ? "hello" : ""); return 0; }',
  cpp: '#include <iostream>\nint main() { std::cout << "hello\\n"; }',
  go: 'package main\nimport "fmt"\nfunc main() { fmt.Println("hello") }',
  rust: 'fn main() { println!("hello"); }',
  java: 'public class Main { public static void main(String[] a) { System.out.println("hello"); } }',
  ruby: 'puts "hello"',
  php: '<?php echo "hello\\n";',
  perl: 'print "hello\\n";',
  lua: 'print("hello")',
  r: 'cat("hello\\n")',
};

const isHere = (program: string): boolean => spawnSync('which', [program]).status === 0;

/** Whether this machine has what a language needs; a program that was compiled is made by the compiler. */
const available = (name: string): boolean => {
  const { compile, run } = languages[name]!;
  return [...(compile ? [compile] : []), run].every(({ programs }) =>
    programs.some((program) => program.startsWith('./') || isHere(program)),
  );
};

describe('languages', () => {
  it('have a program to try here', () => {
    expect(Object.keys(hello).sort()).toEqual(Object.keys(languages).sort());
    expect(['python', 'javascript', 'sh', 'c'].filter((name) => !available(name))).toEqual([]);
  });

  it.each(Object.keys(languages).filter(available))('%s runs', async (name) => {
    const result = await use(name, hello[name]!);
    expect(result).toMatchObject({ status: 'success', output: 'hello\n', metadata: { stage: 'run' } });
  });

  it.each(Object.keys(languages).filter((name) => !available(name)))(
    '%s, which is not here, says what is missing',
    async (name) => {
      const result = await use(name, hello[name]!);
      expect(result).toMatchObject({ status: 'error', metadata: { reason: 'command_not_found' } });
      const { compile, run } = languages[name]!;
      expect(result.error).toContain(`has no ${(compile ?? run).programs[0]}`);
    },
  );

  it('have no alias that leads nowhere', () => {
    expect(Object.values(languageAliases).filter((name) => languages[name] === undefined)).toEqual([]);
    expect(Object.keys(languageAliases).filter((name) => languages[name] !== undefined)).toEqual([]);
  });

  it('are known by other names, in any case', async () => {
    expect(await use('NodeJS', 'console.log(1)')).toMatchObject({ output: '1\n' });
  });
});

describe('a language', () => {
  it.each(['constructor', '__proto__', 'toString'])('is not %s, which every object has', async (name) => {
    await expect(use(name, '1')).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('unknown language'),
    });
  });
});

describe('stages', () => {
  it('end with a compiler that refuses the code', async () => {
    const result = await use('c', 'int main( {');
    expect(result).toMatchObject({ status: 'error', metadata: { stage: 'compile' } });
    expect(result.error).toContain('main.c');
  });

  it('each have their own timeout', async () => {
    const clock = createManualClock();
    const late = await makeToolBench(clock);
    const endless =
      '#include <stdio.h>\n#include <unistd.h>\nint main() { puts("x"); fflush(stdout); pause(); }';
    const parameters = { language: 'c', code: endless, compile_timeout: 5, run_timeout: 7 };
    expect(
      await late.useUntilOutput('multi_code_executor', parameters, () => void clock.advance(7000)),
    ).toMatchObject({ status: 'timeout', metadata: { stage: 'run' }, output: 'x\n' });
    await late.close();
  });

  it('ends with a compiler that takes too long', async () => {
    const clock = createManualClock();
    const sandbox = scriptedSandbox(async ({ argv }) => {
      const process = scriptedProcess();
      // Files are written at once; the compiler never ends.
      if (argv[0] === 'sh') {
        process.exit({ code: 0, signal: null });
        process.endOutput();
      }
      return process;
    });
    const parameters = { language: 'c', code: 'int x;', compile_timeout: 5, run_timeout: 7 };
    const running = bench.use('multi_code_executor', parameters, { clock, sandbox });
    await clock.advance(5000 + KILL_GRACE);
    expect(await running).toMatchObject({ status: 'timeout', metadata: { stage: 'compile' } });
    expect(sandbox.asked.map(({ argv }) => argv[0])).toEqual(['sh', 'gcc', 'sh']);
  });

  it('tell the exit code of the program', async () => {
    expect(await use('c', 'int main() { return 42; }')).toMatchObject({
      status: 'error',
      metadata: { exit_code: 42, stage: 'run' },
    });
  });
});

describe('the work directory', () => {
  it('has the further files, and is gone afterwards', async () => {
    const files = { 'lib/part.py': 'VALUE = 7', 'data.txt': 'text' };
    const code = 'import os\nfrom lib import part\nprint(part.VALUE, open("data.txt").read(), os.getcwd())';
    const { output } = await use('python', code, { files });
    expect(output).toMatch(/^7 text \/tmp\/fsb-code-[0-9a-f]{16}\n$/);
    expect(readdirSync('/tmp')).not.toContain(output.trim().split('/').at(-1));
  });
});

describe('further files', () => {
  it.each([
    ['the main file', { 'main.py': '' }, '"main.py" is the main file'],
    ['the main file by another name', { 'lib/.././main.py': '' }, '"lib/.././main.py" is the main file'],
    ['two of one path', { 'a/b': '1', './a//b': '2' }, '"./a//b" is another name of "a/b"'],
    ['the directory itself', { 'a/..': '' }, '"a/.." is not the path'],
    ['a path outside', { 'a/../../b': '' }, '"a/../../b" is not the path'],
  ])('are not %s', async (_, files, problem) => {
    await expect(use('python', 'print(1)', { files })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(`files: ${problem}`),
    });
  });

  it('lie where their names lead', async () => {
    const files = { './lib/x/../part.py': 'VALUE = 7' };
    expect(await use('python', 'from lib import part; print(part.VALUE)', { files })).toMatchObject({
      output: '7\n',
    });
  });

  it('that cannot be written leave no directory behind', async () => {
    const before = readdirSync('/tmp').filter(isWorkDirectory);
    expect(await use('python', 'print(1)', { files: { a: '', 'a/b': '' } })).toMatchObject({
      status: 'error',
      error: expect.stringContaining('cannot write a/b'),
    });
    expect(readdirSync('/tmp').filter(isWorkDirectory)).toEqual(before);
  });

  it('of a client that leaves are removed, too', async () => {
    const before = readdirSync('/tmp').filter(isWorkDirectory);
    const caller = new AbortController();
    const parameters = { language: 'sh', code: 'echo begun; sleep 1000' };
    const running = bench.useUntilOutput('multi_code_executor', parameters, () => caller.abort(), {
      signal: caller.signal,
    });
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect(readdirSync('/tmp').filter(isWorkDirectory)).toEqual(before);
  });
});

const isWorkDirectory = (name: string): boolean => name.startsWith('fsb-code-');
