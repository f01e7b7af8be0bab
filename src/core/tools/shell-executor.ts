import { z } from 'zod';
import { type Program, runProgram } from './run/run-program.ts';
import { defineTool } from './tool/define-tool.ts';
import { code, seconds, textWithoutNul } from './tool/parameters.ts';
import { outcomeOf } from './tool/tool-result.ts';

/** Of one argument, as Linux has it, with its closing NUL. */
const LONGEST_ARGUMENT = 128 * 1024;
/** Of all arguments together: what one request to a guest holds, with room for the environment. */
const LONGEST_COMMAND = 512 * 1024;

/**
 * The script comes by stdin, because one argument holds 128 KiB at most, and is read whole before it runs, so that it
 * finds its own standard input empty. Without --norc bash would read ~/.bashrc where it takes its stdin for a network
 * connection.
 */
const RUN_STDIN = 'eval "$(cat)" </dev/null';
const WITH_BASH_IF_THERE = `command -v bash >/dev/null 2>&1 && exec bash --norc -c '${RUN_STDIN}'; ${RUN_STDIN}`;

const argument = textWithoutNul.refine(
  (text) => Buffer.byteLength(text) < LONGEST_ARGUMENT,
  'an argument must be shorter than 128 KiB',
);

const argv = z
  .array(argument)
  .min(1, 'must not be empty')
  .refine(([program]) => program !== '', 'must begin with a program')
  .refine(
    (all) => all.reduce((sum, one) => sum + Buffer.byteLength(one), 0) <= LONGEST_COMMAND,
    'the arguments together must be shorter than 512 KiB',
  );

export const shellExecutor = defineTool({
  name: 'shell_executor',
  description:
    'Run a shell command (a string, by bash where the sandbox has it, else by sh) or a program with its arguments (a list of strings).',
  schema: z.strictObject({
    command: z
      .union([code, argv], { error: 'must be a string, or a list of strings' })
      .describe('A shell command, or a program and its arguments.'),
    timeout: seconds('How long it may run', 30),
  }),
  async run({ command, timeout }, { sandbox, ...watch }) {
    return outcomeOf(await runProgram(sandbox, { ...programOf(command), timeout }, watch));
  },
});

function programOf(command: string | string[]): Pick<Program, 'programs' | 'args' | 'stdin'> {
  if (typeof command === 'string')
    return { programs: ['sh'], args: ['-c', WITH_BASH_IF_THERE], stdin: Buffer.from(command) };
  const [program, ...args] = command;
  return { programs: [program!], args };
}
