import { z } from 'zod';
import { PYTHON } from './run/programs.ts';
import { runProgram } from './run/run-program.ts';
import { defineTool } from './tool/define-tool.ts';
import { code, seconds } from './tool/parameters.ts';
import { outcomeOf } from './tool/tool-result.ts';

/** Unbuffered, so that a timeout still shows what was printed before it. */
const FROM_STDIN = ['-u', '-'];

export const pythonExecutor = defineTool({
  name: 'python_executor',
  description:
    'Run Python code in the sandbox, in a process of its own. What it prints is the output. Nothing is kept between calls but files.',
  schema: z.strictObject({
    code: code.describe('The Python program.'),
    timeout: seconds('How long it may run', 30),
  }),
  async run({ code: source, timeout }, { sandbox, ...watch }) {
    const stdin = Buffer.from(source);
    return outcomeOf(
      await runProgram(sandbox, { programs: PYTHON, args: FROM_STDIN, stdin, timeout }, watch),
    );
  },
});
