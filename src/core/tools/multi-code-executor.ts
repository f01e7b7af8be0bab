import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { z } from 'zod';
import { didYouMean } from '../model/did-you-mean.ts';
import { languageAliases, languages, type Step } from './languages.ts';
import { fileStep, writeStep } from './run/guest-files.ts';
import { runProgram } from './run/run-program.ts';
import { defineTool, type ToolContext } from './tool/define-tool.ts';
import { code, givenText, seconds } from './tool/parameters.ts';
import { outcomeOf, type ToolOutcome, toolError } from './tool/tool-result.ts';

const MOST_FILES = 64;

const knownNames = [...Object.keys(languages), ...Object.keys(languageAliases)];

const language = givenText
  .transform((name, ctx) => {
    const lower = name.trim().toLowerCase();
    const found = languages[languageAliases[lower] ?? lower];
    if (found !== undefined) return found;
    const near = didYouMean(lower, knownNames);
    const hint =
      near === undefined ? `use one of ${Object.keys(languages).join(', ')}` : `did you mean ${near}?`;
    ctx.addIssue({ code: 'custom', message: `unknown language ${JSON.stringify(name)}; ${hint}` });
    return z.NEVER;
  })
  .describe(`One of ${Object.keys(languages).join(', ')}; the sandbox's image must have it.`);

/** Whether a name stays below the directory that it is written to. */
function isBelow(name: string): boolean {
  const path = posix.normalize(name);
  const isOutside = path === '.' || path === '..' || path.startsWith('../') || path.startsWith('/');
  return name !== '' && !name.includes('\0') && !isOutside && !path.endsWith('/');
}

const furtherFiles = z
  .record(z.string(), z.string())
  .refine((files) => Object.keys(files).length <= MOST_FILES, `at most ${MOST_FILES} files`)
  .refine((files) => Object.keys(files).every(isBelow), {
    error: ({ input }) => {
      const wrong = Object.keys(input as object).find((name) => !isBelow(name));
      return `${JSON.stringify(wrong)} is not the path of a file below the work directory`;
    },
  })
  .default({})
  .describe('Further files: name to content. They lie beside the main file.');

export const multiCodeExecutor = defineTool({
  name: 'multi_code_executor',
  description:
    'Compile and run code in one of many languages, in a fresh directory that is removed afterwards.',
  schema: z.strictObject({
    language,
    code: code.describe('The source code of the main file.'),
    files: furtherFiles,
    compile_timeout: seconds('How long compiling may take', 60),
    run_timeout: seconds('How long the program may run', 30),
  }),
  async run({ language: { file, compile, run }, code: source, files, ...limits }, context) {
    const directory = `/tmp/fsb-code-${randomBytes(8).toString('hex')}`;
    // The code comes last: it is the main file, whatever else has that name.
    const problem = await writeAll(directory, { ...files, [file]: source }, context);
    if (problem !== undefined) return problem;
    const stages: Stage[] = [
      ...(compile ? [{ stage: 'compile', step: compile, timeout: limits.compile_timeout }] : []),
      { stage: 'run', step: run, timeout: limits.run_timeout },
    ];
    const outcome = await runStages(stages, directory, context);
    await fileStep(context.sandbox, { script: 'rm -rf -- "$1"', words: [directory], cwd: '/' }, context);
    return outcome;
  },
});

interface Stage {
  stage: string;
  step: Step;
  /** Milliseconds. */
  timeout: number;
}

/** The outcome of the first that fails, else of the last. */
async function runStages(
  stages: readonly Stage[],
  cwd: string,
  { sandbox, ...watch }: ToolContext,
): Promise<ToolOutcome> {
  let outcome = toolError('there is nothing to run');
  for (const { stage, step, timeout } of stages) {
    const ended = outcomeOf(await runProgram(sandbox, { ...step, cwd, timeout }, watch));
    outcome = { ...ended, metadata: { ...ended.metadata, stage } };
    if (outcome.status !== 'success') break;
  }
  return outcome;
}

/** Undefined: all of them are there. */
async function writeAll(
  directory: string,
  files: Record<string, string>,
  context: ToolContext,
): Promise<ToolOutcome | undefined> {
  for (const [name, content] of Object.entries(files)) {
    const path = posix.join(directory, name);
    const outcome = outcomeOf(
      await fileStep(context.sandbox, { ...writeStep(path, Buffer.from(content)), cwd: '/' }, context),
    );
    if (outcome.status !== 'success') return toolError(`cannot write ${name}: ${outcome.error}`);
  }
  return undefined;
}
