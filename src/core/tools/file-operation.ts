import { z } from 'zod';
import { formatSize } from '../model/quantity.ts';
import { type FileStep, fileStep, writeStep } from './run/guest-files.ts';
import type { ProgramRun } from './run/run-program.ts';
import { defineTool } from './tool/define-tool.ts';
import { textWithoutNul } from './tool/parameters.ts';
import { outcomeOf, type ToolOutcome, toolError } from './tool/tool-result.ts';

/** Bytes of a file that is read or written. */
const LARGEST_FILE = 10 * 1024 * 1024;

/** The exit code of our scripts for "there is nothing at that path"; the tools that they call use 1 and 2. */
const NOTHING_THERE = 44;
const IF_THERE = `[ -e "$1" ] || [ -L "$1" ] || exit ${NOTHING_THERE}; `;

const schema = z.strictObject({
  operation: z
    .enum(['create', 'read', 'write', 'delete', 'list', 'exists'])
    .describe('create and write replace the file and make its directories; delete takes directories, too.'),
  file_path: textWithoutNul
    .min(1, 'must not be empty')
    .describe('The path in the sandbox; a relative one starts in the working directory of the tools.'),
  content: z.string().optional().describe('For write and create: what the file is to hold.'),
  encoding: z
    .enum(['utf-8', 'utf8', 'base64'])
    .default('utf-8')
    .describe('How content is written in the call and in the answer: utf-8, or base64 for any bytes.'),
});

type Parameters = z.output<typeof schema>;

export const fileOperation = defineTool({
  name: 'file_operation',
  description: 'Create, read, write, delete, list and look for files in the sandbox.',
  schema,
  async run(parameters, { sandbox, ...watch }) {
    const step = stepFor(parameters);
    if (typeof step === 'string') return toolError(step);
    return meaning(parameters, await fileStep(sandbox, step, watch));
  },
});

/** What to do, or why it cannot be done. */
function stepFor({ operation, file_path, content, encoding }: Parameters): FileStep | string {
  // A path that begins with a dash would be taken for an option by some of these programs.
  const path = file_path.startsWith('-') ? `./${file_path}` : file_path;
  switch (operation) {
    case 'create':
    case 'write': {
      if (content === undefined && operation === 'write') return 'content is missing: write needs it';
      const bytes = decode(content ?? '', encoding);
      if (bytes === undefined) return 'content is not valid base64';
      if (bytes.length > LARGEST_FILE)
        return `content is ${formatSize(bytes.length)} long; at most ${formatSize(LARGEST_FILE)} can be written`;
      return writeStep(path, bytes);
    }
    case 'read':
      return {
        script: `${IF_THERE}head -c ${LARGEST_FILE + 1} -- "$1"`,
        words: [path],
        outputLimit: LARGEST_FILE,
      };
    case 'delete':
      return { script: `${IF_THERE}rm -rf -- "$1"`, words: [path] };
    case 'list':
      return { script: `${IF_THERE}ls -la -- "$1"`, words: [path] };
    case 'exists':
      return { script: IF_THERE, words: [path] };
  }
}

function meaning({ operation, file_path, encoding }: Parameters, run: ProgramRun): ToolOutcome {
  const outcome = outcomeOf(run);
  const { end, stdout } = run;
  const nothing = end.kind === 'exited' && end.status.code === NOTHING_THERE;
  if (operation === 'exists' && (nothing || outcome.status === 'success'))
    return done(nothing ? 'does not exist' : 'exists', { exists: !nothing });
  if (nothing) return toolError(`there is nothing at ${file_path}`, { exists: false });
  if (outcome.status !== 'success') return outcome;
  switch (operation) {
    case 'read':
      return readOutcome(file_path, encoding, run);
    case 'list':
      return done(outcome.output, { stdout_truncated: stdout.truncated });
    case 'delete':
      return done(`deleted ${file_path}`);
    default:
      return done(`wrote ${file_path}`);
  }
}

/** A part of a file is never given out as the whole of it. */
function readOutcome(path: string, encoding: Parameters['encoding'], { stdout }: ProgramRun): ToolOutcome {
  if (stdout.truncated)
    return toolError(
      `${path} is larger than ${formatSize(LARGEST_FILE)}; read a part of it with shell_executor (head, tail, dd)`,
    );
  const bytes = stdout.toBuffer();
  if (encoding === 'base64') return done(bytes.toString('base64'), { bytes: bytes.length });
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes))
    return toolError(`${path} is not UTF-8; read it with encoding base64`);
  return done(text, { bytes: bytes.length });
}

const done = (output: string, metadata: Record<string, unknown> = {}): ToolOutcome => ({
  status: 'success',
  output,
  error: null,
  metadata,
});

/** Undefined: it is not what the encoding says. */
function decode(content: string, encoding: Parameters['encoding']): Buffer | undefined {
  if (encoding !== 'base64') return Buffer.from(content);
  return z.base64().safeParse(content).success ? Buffer.from(content, 'base64') : undefined;
}
