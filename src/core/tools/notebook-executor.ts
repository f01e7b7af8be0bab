import { z } from 'zod';
import type { CellEnd } from './notebook/kernel.ts';
import type { NotebookRun } from './notebook/notebook.ts';
import { defineTool } from './tool/define-tool.ts';
import { code, seconds } from './tool/parameters.ts';
import { onLinesOfTheirOwn, type ToolOutcome, timeoutMessage, toolError } from './tool/tool-result.ts';

export const notebookExecutor = defineTool({
  name: 'notebook_executor',
  description:
    'Run Python code like a cell of a notebook: in a sandbox that you keep, variables stay for the next call; in one that is borrowed for a single call, they do not. The value of a last expression is shown.',
  schema: z.strictObject({
    code: code.describe('The Python code of the cell.'),
    timeout: seconds('How long the cell may run', 30),
  }),
  async run({ code: source, timeout }, { sandbox, notebook, signal }) {
    return outcomeOfCell(await notebook.run(sandbox, source, timeout, signal));
  },
});

/** What a cell's run means; metadata `kernel` is `new` when nothing of earlier calls is known to it. */
export function outcomeOfCell({ end, isNew, lost }: NotebookRun): ToolOutcome {
  const metadata = { kernel: isNew ? 'new' : 'kept', ...(lost === undefined ? {} : { state_lost: lost }) };
  if (end.kind === 'not-started')
    return toolError(end.error.message, { ...metadata, reason: end.error.code });
  const { output, said, facts } = outputOf(end.cell);
  const all = { ...metadata, ...facts };
  if (end.kind === 'timeout') {
    const message = `${timeoutMessage(end.limit)}, and the state of the notebook is lost`;
    return { status: 'timeout', output, error: onLinesOfTheirOwn(said, message), metadata: all };
  }
  const { answer } = end;
  if (answer === undefined) {
    const message = 'the code ended the kernel; the state of the notebook is lost';
    return { status: 'error', output, error: onLinesOfTheirOwn(said, message), metadata: all };
  }
  if ('error' in answer)
    return { status: 'error', output, error: onLinesOfTheirOwn(said, answer.error), metadata: all };
  const { value } = answer;
  if (value === null) return { status: 'success', output, error: said || null, metadata: all };
  return {
    status: 'success',
    output: onLinesOfTheirOwn(output, value),
    error: said || null,
    metadata: { ...all, result: value },
  };
}

function outputOf(cell: CellEnd['cell'] | undefined): {
  output: string;
  said: string;
  facts: Record<string, unknown>;
} {
  if (cell === undefined) return { output: '', said: '', facts: {} };
  const { stdout, stderr } = cell;
  return {
    output: stdout.toText(),
    said: stderr.toText(),
    facts: { stdout_truncated: stdout.truncated, stderr_truncated: stderr.truncated },
  };
}
