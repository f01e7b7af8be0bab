import type { Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import type { ExitStatus, ProcessSession } from '../../model/process.ts';
import { CappedOutput } from './capped-output.ts';
import { startedWithin } from './started-within.ts';
import { resultWithin, timeLimit } from './time-limit.ts';
import { execFirst, type ToolSandbox } from './tool-sandbox.ts';

/** Bytes of each of stdout and stderr that a result carries. */
export const OUTPUT_LIMIT = 1024 * 1024;

export interface Program {
  /** The first of these that the image has. */
  programs: readonly string[];
  args?: readonly string[];
  env?: Record<string, string>;
  /** Default: the working directory of the sandbox's tools. */
  cwd?: string;
  /** Its whole standard input; empty when left out. It ends where a stream fails. */
  stdin?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Milliseconds. */
  timeout: number;
  /** Bytes of stdout to keep; default OUTPUT_LIMIT. */
  outputLimit?: number;
}

export type ProgramEnd =
  | { kind: 'exited'; status: ExitStatus }
  /** Our own deadline came first. Nothing in the sandbox runs any more. */
  | { kind: 'timeout'; limit: number }
  /** The image does not have it, or cannot execute it. */
  | { kind: 'not-started'; error: FsbError };

interface ProgramOutput {
  stdout: CappedOutput;
  stderr: CappedOutput;
}

export interface ProgramRun extends ProgramOutput {
  end: ProgramEnd;
}

/** How a run is watched. */
export interface Watch {
  clock: Clock;
  /** Aborted when the caller leaves: what runs is ended then. */
  signal: AbortSignal;
}

/** Milliseconds for killed processes to be gone; after that the result does not wait for them any longer. */
export const KILL_GRACE = 5_000;

/**
 * Runs one program to its end or its deadline, and reads all that it writes, so that it is never held back by a full
 * result. At the deadline, and when the caller leaves, everything in the sandbox is killed.
 * @throws the signal's reason, not_found and run_failed (the sandbox is gone)
 */
export async function runProgram(sandbox: ToolSandbox, program: Program, watch: Watch): Promise<ProgramRun> {
  const { clock, signal } = watch;
  throwIfAborted(signal);
  const output = {
    stdout: new CappedOutput(program.outputLimit ?? OUTPUT_LIMIT),
    stderr: new CappedOutput(OUTPUT_LIMIT),
  };
  const limit = timeLimit(clock, program.timeout, signal);
  let session: ProcessSession | undefined;
  try {
    const { programs, args = [], env, cwd, stdin } = program;
    const process = { args, env, cwd, stdin: stdin !== undefined };
    const started = await startedWithin(limit, execFirst(sandbox, programs, process, limit));
    if (started instanceof FsbError) return { end: { kind: 'not-started', error: started }, ...output };
    session = started;
    const drained = session && serve(session, stdin, output);
    const status = session && (await Promise.race([session.exited, limit.over]));
    if (status) {
      // What it left in the background may hold its output open for ever.
      await Promise.race([drained, limit.over]);
      throwIfAborted(signal);
      return { end: { kind: 'exited', status }, ...output };
    }
    await sandbox.killAll();
    if (drained) await resultWithin(clock, KILL_GRACE, drained);
    throwIfAborted(signal);
    return { end: { kind: 'timeout', limit: program.timeout }, ...output };
  } finally {
    limit.cancel();
    await session?.close();
  }
}

/** Gives the process its input and reads its output; resolves when all of that was read. */
function serve(session: ProcessSession, stdin: Program['stdin'], output: ProgramOutput): Promise<void> {
  if (stdin !== undefined) void feed(session, stdin);
  const drained = drain(session, output);
  // Who waits for it hears of a failure; after the limit nobody does.
  drained.catch(() => {});
  return drained;
}

async function drain({ output }: ProcessSession, { stdout, stderr }: ProgramOutput): Promise<void> {
  for await (const { stream, data } of output) (stream === 'stdout' ? stdout : stderr).push(data);
}

/** Whether all of it was read is the program's affair: one that ends early leaves the rest. */
async function feed(session: ProcessSession, input: NonNullable<Program['stdin']>): Promise<void> {
  try {
    if (input instanceof Uint8Array) await session.write(input);
    else for await (const chunk of input) await session.write(chunk);
  } catch {
    // The sandbox is gone, as the exit tells; or the stream failed, as its owner knows.
  }
  session.endInput();
}
