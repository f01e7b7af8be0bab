import { exitCodeOf, signalName } from '../../model/process.ts';
import { formatDuration } from '../../model/quantity.ts';
import type { ProgramRun } from '../run/run-program.ts';

/** How a tool ended: its result but for the name and the time, which its caller knows. */
export interface ToolOutcome {
  /** `timeout`: our own deadline was over, and everything in the sandbox was killed. Nothing else is a timeout. */
  status: 'success' | 'error' | 'timeout';
  output: string;
  /** What it wrote to stderr, or why it failed; null when there is nothing to say. */
  error: string | null;
  metadata: Record<string, unknown>;
}

/** What a client gets; the keys are those of the wire. */
export interface ToolResult extends ToolOutcome {
  tool_name: string;
  /** Seconds. */
  execution_time: number;
}

export const toolError = (error: string, metadata: Record<string, unknown> = {}): ToolOutcome => ({
  status: 'error',
  output: '',
  error,
  metadata,
});

/** What a program's run means: an exit of 0 is success, any other exit its own error, whatever the number. */
export function outcomeOf(run: ProgramRun): ToolOutcome {
  const { end, stdout, stderr } = run;
  if (end.kind === 'not-started') return toolError(end.error.message, { reason: end.error.code });
  const output = stdout.toText();
  const said = stderr.toText();
  const metadata = {
    ...exitFacts(run),
    stdout_truncated: stdout.truncated,
    stderr_truncated: stderr.truncated,
  };
  if (end.kind === 'timeout')
    return { status: 'timeout', output, error: onLinesOfTheirOwn(said, timeoutMessage(end.limit)), metadata };
  const failure = failureOf(run);
  if (failure === undefined) return { status: 'success', output, error: said || null, metadata };
  return { status: 'error', output, error: said || failure, metadata };
}

export const timeoutMessage = (limit: number): string =>
  `timed out after ${formatDuration(limit)}; everything that ran in the sandbox was killed`;

function exitFacts({ end }: ProgramRun): Record<string, unknown> {
  if (end.kind !== 'exited') return {};
  const { signal, oomKilled } = end.status;
  return {
    exit_code: exitCodeOf(end.status),
    ...(signal === null ? {} : { signal: signalName(signal) }),
    ...(oomKilled ? { oom_killed: true } : {}),
  };
}

function failureOf({ end }: ProgramRun): string | undefined {
  if (end.kind !== 'exited') return undefined;
  const { code, signal, oomKilled } = end.status;
  if (signal !== null)
    return `the program was killed by ${signalName(signal)}${oomKilled ? ': out of memory' : ''}`;
  return code === 0 ? undefined : `the program ended with exit code ${code}`;
}

/** The second text begins on a new line. */
export const onLinesOfTheirOwn = (first: string, second: string): string =>
  first === '' ? second : `${first}${first.endsWith('\n') ? '' : '\n'}${second}`;
