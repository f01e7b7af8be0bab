import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { z } from 'zod';
import { didYouMean } from '../model/failure/did-you-mean.ts';
import { languageAliases, languages, type Step } from './languages.ts';
import { fileStep, writeStep } from './run/guest-files.ts';
import { runProgram } from './run/run-program.ts';
import { defineTool, type ToolContext } from './tool/define-tool.ts';
import { code, givenText, seconds } from './tool/parameters.ts';
import { outcomeOf, type ToolOutcome, toolError } from './tool/tool-result.ts';

const MOST_FILES = 64;

const knownNames = [...Object.keys(languages), ...Object.keys(languageAliases)];

/** Not what every object has, like its constructor. */
const own = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;

const language = givenText
  .transform((name, ctx) => {
    const lower = name.trim().toLowerCase();
    const found = own(languages, own(languageAliases, lower) ?? lower);
    if (found !== undefined) return found;
    const near = didYouMean(lower, knownNames);
    const hint =
      near === undefined ? `use one of ${Object.keys(languages).join(', ')}` : `did you mean ${near}?`;
    ctx.addIssue({ code: 'custom', message: `unknown language ${JSON.stringify(name)}; ${hint}` });
    return z.NEVER;
  })
  .describe(`One of ${Object.keys(languages).join(', ')}; the sandbox's image must have it.`);

/** Whether a name, made plain, stays below the directory that it is written to. */
function isBelow(plain: string): boolean {
  const isOutside = plain === '.' || plain === '..' || plain.startsWith('../') || plain.startsWith('/');
  return !plain.includes('\0') && !isOutside && !plain.endsWith('/');
}

const furtherFiles = z
  .record(z.string(), z.string())
  .refine((files) => Object.keys(files).length <= MOST_FILES, `at most ${MOST_FILES} files`)
  .default({})
  .describe('Further files: name to content. They lie beside the main file.');

/** Why these names cannot all be files beside the main one; undefined: they can. */
function problemOf(names: readonly string[], main: string): string | undefined {
  const known = new Map<string, string>();
  for (const name of names) {
    const plain = posix.normalize(name);
    const said = JSON.stringify(name);
    if (!isBelow(plain)) return `${said} is not the path of a file below the work directory`;
    if (plain === main) return `${said} is the main file, which holds the code`;
    const other = known.get(plain);
    if (other !== undefined) return `${said} is another name of ${JSON.stringify(other)}`;
    known.set(plain, name);
  }
  return undefined;
}

export const multiCodeExecutor = defineTool({
  name: 'multi_code_executor',
  description:
    'Compile and run code in one of many languages, in a fresh directory that is removed afterwards.',
  schema: z
    .strictObject({
      language,
      code: code.describe('The source code of the main file.'),
      files: furtherFiles,
      compile_timeout: seconds('How long compiling may take', 60),
      run_timeout: seconds('How long the program may run', 30),
    })
    .superRefine(({ language, files }, ctx) => {
      const message = problemOf(Object.keys(files), language.file);
      if (message !== undefined) ctx.addIssue({ code: 'custom', path: ['files'], message });
    }),
  async run({ language: { file, compile, run }, code: source, files, ...limits }, context) {
    const directory = `/tmp/fsb-code-${randomBytes(8).toString('hex')}`;
    const stages: Stage[] = [
      ...(compile ? [{ stage: 'compile', step: compile, timeout: limits.compile_timeout }] : []),
      { stage: 'run', step: run, timeout: limits.run_timeout },
    ];
    try {
      const problem = await writeAll(directory, { ...files, [file]: source }, context);
      return problem ?? (await runStages(stages, directory, context));
    } finally {
      await removeAll(directory, context);
    }
  },
});

/** Also for a caller who has left: the sandbox may be one that is kept. When it cannot be done, the sandbox is gone. */
async function removeAll(directory: string, { sandbox, clock }: ToolContext): Promise<void> {
  const nobodyLeaves = new AbortController().signal;
  const step = { script: 'rm -rf -- "$1"', words: [directory], cwd: '/' };
  await fileStep(sandbox, step, { clock, signal: nobodyLeaves }).catch(() => {});
}

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
