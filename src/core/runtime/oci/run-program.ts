import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';

/** The only environment that a program of ours gets: nothing of the core's own, which may hold secrets. */
export const CLEAN_ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
};

const OUTPUT_LIMIT = 64 * 1024;

export interface ProgramResult {
  /** Null when a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The first 64 KiB. */
  stdout: string;
  /** The first 64 KiB. */
  stderr: string;
}

export interface ProgramOptions {
  clock: Clock;
  timeoutMs: number;
  signal?: AbortSignal;
}

/**
 * Runs a program to its end, with no input, a clean environment, and a bound on what it may say. When the deadline
 * passes or the signal fires, it and its children are killed; either way it has ended when this settles.
 * @throws run_failed (cannot be executed, deadline), or what the signal was aborted with
 */
export async function runProgram(
  file: string,
  args: string[],
  options: ProgramOptions,
): Promise<ProgramResult> {
  const { clock, timeoutMs, signal } = options;
  throwIfAborted(signal);
  // Detached makes it the leader of a process group, so that one signal reaches its children too.
  const child = spawn(file, args, {
    env: CLEAN_ENVIRONMENT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Before anything else: an error that nobody listens to, as for want of descriptors, would end the core.
  const ending = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, killedBy) => resolve({ code, signal: killedBy }));
  });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  let timedOut = false;
  const killGroup = (): void => endGroup(child.pid);
  const cancelDeadline = clock.after(timeoutMs, () => {
    timedOut = true;
    killGroup();
  });
  signal?.addEventListener('abort', killGroup);
  try {
    const ended = await ending;
    throwIfAborted(signal);
    if (timedOut) throw new FsbError('run_failed', `${file} did not end within ${timeoutMs} ms`);
    return { ...ended, stdout: stdout(), stderr: stderr() };
  } catch (error) {
    if (error instanceof FsbError) throw error;
    throw new FsbError('run_failed', `cannot execute ${file}: ${(error as Error).message}`, { cause: error });
  } finally {
    cancelDeadline();
    signal?.removeEventListener('abort', killGroup);
  }
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Reads to the end and keeps the beginning. A child that could not be started for want of descriptors has no streams. */
function collect(stream: Readable | undefined): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on('data', (chunk: Buffer) => {
    if (size < OUTPUT_LIMIT) chunks.push(chunk.subarray(0, OUTPUT_LIMIT - size));
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}
